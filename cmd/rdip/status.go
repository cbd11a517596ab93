package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rdip/configs"
	"rdip/connect/rest"
	"rdip/internal/fault"
)

type statusCommand struct {
	Config    string        `short:"c" type:"path" help:"Configuration file of the daemon, for its address."`
	URL       string        `help:"Address of the daemon's REST API, such as http://127.0.0.1:8083."`
	Format    string        `enum:"text,json" default:"text" help:"Form: text or json."`
	Watch     time.Duration `help:"Show it again and again, this often."`
	Connector string        `arg:"" optional:"" help:"Only this connector."`
}

// Run asks the daemon and prints what it says.
func (c statusCommand) Run(ctx context.Context) error {
	address, err := daemonAddress(c.URL, c.Config)
	if err != nil {
		return err
	}
	for {
		if err := c.show(ctx, newAPI(address), os.Stdout); err != nil || c.Watch == 0 {
			return err
		}
		select {
		case <-time.After(c.Watch):
		case <-ctx.Done():
			return nil
		}
	}
}

// daemonAddress is the URL as given, the configuration's, or the default.
func daemonAddress(url, config string) (string, error) {
	if url != "" {
		return url, nil
	}
	if config == "" {
		return rest.DefaultAddress, nil
	}
	file, findings := configs.Load(config)
	if file == nil {
		return "", findings.Err()
	}
	return workerOf(file).RESTListen, nil
}

// workerOf is the worker's keys of a file as far as they can be read: who only looks for an address or a
// folder is not stopped by a mistake elsewhere.
func workerOf(file *configs.File) configs.Worker {
	var w configs.Worker
	_ = configs.Decode(file.Worker, w.Definition())
	return w
}

func (c statusCommand) show(ctx context.Context, a *api, w io.Writer) error {
	var all map[string]struct {
		Status rest.ConnectorStatus `json:"status"`
	}
	if err := a.get(ctx, "/connectors?expand=status", &all); err != nil {
		return err
	}
	if err := mustHave(c.Connector, slices.Collect(maps.Keys(all))); err != nil {
		return err
	}
	var list []rest.ConnectorStatus
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if c.Connector == "" || c.Connector == name {
			list = append(list, all[name].Status)
		}
	}
	if c.Format == "json" {
		return indented(w, list)
	}
	for i := range list {
		if err := printStatus(w, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

// mustHave refuses the name of a connector that a daemon does not have; "" is all of them.
func mustHave(name string, have []string) error {
	if name == "" || slices.Contains(have, name) {
		return nil
	}
	slices.Sort(have)
	return &fault.Error{Kind: fault.Configuration, Op: "find connector", Object: name, Permanent: true,
		Cause: fmt.Errorf("it does not run here; those that do: %s", strings.Join(have, ", ")), Hint: "give one of these names, or the address of another rdip with --url"}
}

// indented prints a value as JSON.
func indented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printStatus prints one connector: how it is, how far behind, and a line a table.
func printStatus(w io.Writer, s *rest.ConnectorStatus) error {
	fmt.Fprintf(w, "%s  %s", s.Name, s.Connector.State)
	d := s.Rdip
	if d == nil {
		_, err := fmt.Fprintln(w)
		return err
	}
	fmt.Fprintf(w, "  lag %s %s  retained WAL %s of %s", size(d.LagBytes, "unknown"), age(d.LagMillis), size(d.RetainedBytes, "unknown"), size(d.RetainedLimitBytes, "no limit"))
	fmt.Fprintf(w, "  latency p50 %.4gms p99 %.4gms\n", d.LatencyP50ms, d.LatencyP99ms)
	for _, line := range []struct{ label, text string }{{"error", strings.TrimPrefix(s.Connector.Trace, "error: ")}, {"waiting", d.WaitingOn}, {"source", d.Detail}, {"position", string(d.Position)},
		{"delivery", deliveryLine(d)}} {
		if line.text != "" {
			fmt.Fprintf(w, "  %s: %s\n", line.label, line.text)
		}
	}
	for _, n := range d.Notices {
		fmt.Fprintf(w, "  %s\n", n)
	}
	printSnapshot(w, &d.Snapshot)
	return printTables(w, d.Tables)
}

func printSnapshot(w io.Writer, s *rest.SnapshotDetails) {
	switch s.State {
	case rest.SnapshotRunning:
		p := progressOf(s)
		fmt.Fprintf(w, "  snapshot: %s\n", p.line())
	case rest.SnapshotDone:
		fmt.Fprintf(w, "  snapshot: done %s, in %s\n", s.Finished.Format(time.RFC3339), s.Finished.Sub(s.Started).Round(time.Millisecond))
	}
}

// printTables is a line a table. Its state comes last and may be long, so nothing is padded to it.
func printTables(w io.Writer, tables []rest.TableDetails) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	if len(tables) > 0 {
		fmt.Fprintln(t, "  TABLE\tSNAPSHOT\tCREATES\tUPDATES\tDELETES\tTRUNCATES\t  STATE")
	}
	for _, table := range tables {
		state := "captured"
		if table.Stopped != "" {
			state = stoppedLine(&table)
		} else if table.CatchingUp {
			state = "catching up from where it stopped"
		} else if r := table.Reading; r != nil && r.State != "finished" {
			state = readingLine(r)
		}
		state += undeliveredLine(&table)
		fmt.Fprintf(t, "  %s\t%d\t%d\t%d\t%d\t%d\t  %s\n", table.Table, table.Reads, table.Creates, table.Updates, table.Deletes, table.Truncates, state)
	}
	return t.Flush()
}

// stoppedLine is a table that stopped: what it costs the source, and why.
func stoppedLine(t *rest.TableDetails) string {
	line := "STOPPED"
	if t.NeedsSnapshot {
		line += ", needs a new snapshot"
	}
	if len(t.StoppedAt) > 0 {
		line += " at " + string(t.StoppedAt)
	}
	if t.RetainedBytes > 0 {
		line += ", holds back " + size(&t.RetainedBytes, "") + " of log"
	}
	line += ": " + t.Stopped
	if t.Then != "" {
		line += "; " + t.Then
	}
	return line
}

// undeliveredLine says how many rows were not delivered; "" for none.
func undeliveredLine(t *rest.TableDetails) string {
	switch {
	case t.DeadLetters > 0:
		return fmt.Sprintf("; %d dead letters, the newest: %s", t.DeadLetters, t.LastUndelivered)
	case t.Skipped > 0:
		return fmt.Sprintf("; %d rows SKIPPED, the newest: %s", t.Skipped, t.LastUndelivered)
	default:
		return ""
	}
}

// readingLine is how a table's snapshot stands, for people.
func readingLine(r *rest.ReadingDetails) string {
	line := fmt.Sprintf("snapshot %s, %d of %d parts", r.State, r.ChunksDone, r.Chunks)
	if r.RowsPerSecond > 0 {
		line += fmt.Sprintf(", %.0f rows/s", r.RowsPerSecond)
	}
	if r.SecondsLeft != nil {
		line += fmt.Sprintf(", %v left", time.Duration(*r.SecondsLeft)*time.Second)
	}
	if r.WaitingOn != "" {
		line += ": " + r.WaitingOn
	}
	return line
}

// size is a number of bytes for people.
func size(n *int64, unknown string) string {
	if n == nil {
		return unknown
	}
	v, unit := float64(*n), 0
	for v >= 1024 && unit < 4 {
		v, unit = v/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", *n)
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGT"[unit-1])
}

func age(ms *int64) string {
	if ms == nil {
		return ""
	}
	return "(" + (time.Duration(*ms) * time.Millisecond).String() + ")"
}
