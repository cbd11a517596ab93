// Command rdip captures the changes of databases and delivers them to Kafka.
//
// This package is the only place that wires the others together: a file a command, and load.go, which turns
// a configuration file into the parts that the commands start.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"rdip/internal/fault"
)

// version is set by the linker.
var version = "dev"

type cli struct {
	Run        runCommand       `cmd:"" help:"Run the connectors of a configuration until SIGTERM."`
	Check      checkCommand     `cmd:"" help:"Check a configuration against its servers: every finding with its fix, changing nothing."`
	Init       initCommand      `cmd:"" help:"Look at a database and print a commented configuration for it, with the grants and settings it needs."`
	Import     importCommand    `cmd:"" help:"Turn an existing Debezium connector's JSON into a configuration, with the reason for each key that does not fit."`
	Status     statusCommand    `cmd:"" help:"Show connectors, tables, snapshot progress, lag and retained log of a running rdip."`
	Pause      pauseCommand     `cmd:"" help:"Have a connector deliver what it read and read nothing more, also over a restart; its slot keeps the log."`
	Resume     resumeCommand    `cmd:"" help:"Have a paused or stopped connector go on, or tables that stopped."`
	Stop       stopCommand      `cmd:"" help:"Pause a connector so that its stored position may be changed."`
	Snapshot   snapshotCommand  `cmd:"" help:"Have a running connector read tables again beside its stream, all rows or some; pause, resume, stop or list that."`
	Restart    restartCommand   `cmd:"" help:"Restart one connector without the others; also one that has failed."`
	Reload     reloadCommand    `cmd:"" help:"Have a running rdip read its changed configuration: applied as a whole or refused as a whole."`
	LogLevel   logLevelCommand  `cmd:"" help:"Show or set what a running rdip logs."`
	Drop       dropCommand      `cmd:"" help:"Remove what a connector has on its server and in the state folder, after showing it and asking."`
	Tail       tailCommand      `cmd:"" help:"Show the events of topics, decoded, a line each."`
	Demo       demoCommand      `cmd:"" help:"Try rdip: a throwaway PostgreSQL, an embedded broker, a small shop, and its changes as they arrive."`
	Offsets    offsetsCommand   `cmd:"" help:"Show, set or reset stored positions."`
	Docs       docsCommand      `cmd:"" hidden:"" help:"Print generated documentation."`
	VersionCmd versionCommand   `cmd:"" name:"version" help:"Print the version."`
	Version    kong.VersionFlag `help:"Print the version."`
}

func main() {
	ctx, stop := untilInterrupted()
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// sameSignal is how long signals count as one: timeout(1), and a terminal with a script between, send the
// same one twice.
const sameSignal = 300 * time.Millisecond

// untilInterrupted is a context that ends with the first SIGINT or SIGTERM; a second one ends the process at once,
// with the exit code of a stop that was not drained.
func untilInterrupted() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	received := make(chan os.Signal, 2)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-received
		cancel()
		for first := time.Now(); time.Since(first) < sameSignal; {
			<-received
		}
		fmt.Fprintln(os.Stderr, "rdip: a second signal: ending at once; what was not acknowledged is read again at the next start")
		os.Exit(fault.NotDrained.ExitCode())
	}()
	return ctx, cancel
}

// run parses the command line, runs the command, and gives the process's exit code.
func run(ctx context.Context, args []string) int {
	var commands cli
	parser, err := kong.New(&commands, kong.Name("rdip"), kong.Vars{"version": "rdip " + version},
		kong.Description("Change data capture: a consistent snapshot, then every change, in order, into Kafka."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return report(err)
	}
	parsed, err := parser.Parse(asFlag(args))
	if err != nil {
		var usage *kong.ParseError
		if errors.As(err, &usage) {
			_ = usage.Context.PrintUsage(true)
		}
		fmt.Fprintln(os.Stderr, "rdip:", err)
		return fault.Configuration.ExitCode()
	}
	if err := parsed.Run(); err != nil {
		return report(err)
	}
	return 0
}

// asFlag has "help" and "help COMMAND" mean --help, as people type it elsewhere.
func asFlag(args []string) []string {
	if len(args) == 0 || args[0] != "help" {
		return args
	}
	return append(slices.Clone(args[1:]), "--help")
}

// report prints an error and gives its exit code.
func report(err error) int {
	var said *silent
	if errors.As(err, &said) {
		return fault.KindOf(err).ExitCode()
	}
	var findings fault.Findings
	if errors.As(err, &findings) {
		fmt.Fprintln(os.Stderr, findings.Error())
	} else {
		fmt.Fprintln(os.Stderr, "rdip:", err)
	}
	return fault.KindOf(err).ExitCode()
}
