package configs

import (
	"fmt"
	"net"
	"strings"
	"time"

	"rdip/internal/fault"
)

// Worker is what holds for the whole process. The keys of the Kafka client and the registry client stand
// beside it at the top level of a file; sinks/kafka and schema define those.
type Worker struct {
	Bootstrap      []string // host:port of Kafka's brokers
	Embedded       bool     // run a broker and a registry in this process instead
	StateDir       string
	RESTListen     string // host:port
	RESTTokenFile  string // file of the token that changing requests have to show; "" for none
	LogLevel       LogLevel
	LogFormat      LogFormat
	MemoryBudget   int64         // bytes
	DrainTimeout   time.Duration // how long a stop may take
	StallTimeout   time.Duration // without progress for this long, the process is not ready
	OffsetInterval time.Duration // between two commits of positions
	Positions      Positions
	RetainedWarn   int64 // bytes of log at a source without a limit, from which on it is warned of; 0 for never
}

// LogLevel is the least severity that is logged.
type LogLevel string

// LogFormat is the form of a log line.
type LogFormat string

// The levels and formats of logs.
const (
	LogDebug LogLevel = "debug"
	LogInfo  LogLevel = "info"
	LogWarn  LogLevel = "warn"
	LogError LogLevel = "error"

	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Definition is the worker's keys.
func (c *Worker) Definition() *Definition {
	d := NewDefinition("Worker")
	d.Group("Kafka and the registry")
	d.List(&c.Bootstrap, "bootstrap.servers", "Kafka's brokers to begin with, as `host:port`, separated by commas. Required unless `embedded` is true.",
		Check(CheckAddress), Rank(High))
	d.Bool(&c.Embedded, "embedded", "Run a Kafka-protocol broker and a schema registry inside this process, on loopback. The broker is **not durable** and outside the delivery guarantees: it is for trying rdip and for tests. Not together with `bootstrap.servers`.",
		Default("false"), Rank(High))
	d.Group("Process")
	d.String(&c.StateDir, "state.dir", "Folder for positions and, with `embedded`, the broker's and the registry's data. Made with mode 0700; only one process may use it.",
		Default("/var/lib/rdip"), Required(), Rank(High))
	d.Bytes(&c.MemoryBudget, "memory.budget", "Bytes of captured data held at once, over all connectors: what is read and not yet acknowledged by Kafka. Reading waits while it is spent.",
		Default("32MiB"), Between("4MiB", "64GiB"))
	d.Duration(&c.DrainTimeout, "task.shutdown.graceful.timeout.ms", "How long a stop may take to deliver what was read and to store the position. Past it the process ends with exit code 5; nothing is lost, some events may come twice.",
		Default("10s"), Between("0", "10m"))
	d.Duration(&c.OffsetInterval, "offset.flush.interval.ms", "Time between two commits of positions to the state folder; a crash repeats at most what came since.",
		Default("1s"), Between("10ms", "1h"))
	c.Positions.define(d)
	d.Group("Observation")
	d.Address(&c.RESTListen, "rest.listeners", "Where status, metrics and health are served, and where `rdip pause`, `reload` and the like ask. Only loopback addresses: reading needs no authentication. Port 0 takes a free one.",
		Default("127.0.0.1:8083"), Check(checkLoopback))
	d.String(&c.RESTTokenFile, "rest.token.file", "File whose text every request that changes something has to show (`Authorization: Bearer TEXT`). Without it, every user of this machine may pause or restart connectors. The commands read it from the same configuration.")
	d.Duration(&c.StallTimeout, "health.stall.timeout.ms", "Without progress of a connector for this long, `/health/ready` turns false.",
		Default("60s"), Between("1s", "1h"))
	d.Bytes(&c.RetainedWarn, "retained.log.warn.bytes", "A source that keeps this much log for a connector, and has no limit of its own, is warned of; 0 for never. With a limit (`max_slot_wal_keep_size`), half and 80% of it are.",
		Default("10GiB"), Between("0", ""))
	Enum(d, &c.LogLevel, "log.level", "Least severity that is logged.", []Choice{
		{Value: "debug", Doc: "everything, never row data nor secrets."},
		{Value: "info", Doc: "what an operator wants to know."},
		{Value: "warn", Doc: "what may need attention.", Aliases: []string{"warning"}},
		{Value: "error", Doc: "what failed."}}, Default("info"))
	Enum(d, &c.LogFormat, "log.format", "Form of log lines, written to standard error.", []Choice{
		{Value: "text", Doc: "key=value pairs."},
		{Value: "json", Doc: "one JSON object a line."}}, Default("text"))
	return d
}

// checkLoopback refuses an address that another machine could reach.
func checkLoopback(s string) error {
	host, _, _ := net.SplitHostPort(s)
	if ip := net.ParseIP(host); strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback() {
		return nil
	}
	return &Problem{Need: "a loopback address", Fix: "write 127.0.0.1:8083; to reach it from elsewhere put an authenticating proxy before it"}
}

// Check finds what no single key shows: where events go, and whether there is a connector.
func (c *Worker) Check(f *File) fault.Findings {
	var found fault.Findings
	s := f.Worker
	switch hasBrokers := len(c.Bootstrap) > 0; {
	case c.Embedded && hasBrokers:
		found = append(found, s.Finding("embedded", "embedded is true and bootstrap.servers is given", "one of the two",
			"remove bootstrap.servers to use the embedded broker, or embedded to use Kafka"))
	case !c.Embedded && !hasBrokers && !s.Has("bootstrap.servers"):
		found = append(found, s.Finding("bootstrap.servers", "the key is missing", "Kafka's brokers, or the embedded one",
			`add a line "bootstrap.servers: HOST:9092", or "embedded: true" to try rdip without Kafka`))
	case !c.Embedded && !hasBrokers:
		found = append(found, s.Finding("bootstrap.servers", "no broker", "at least one host:port", `write "bootstrap.servers: HOST:9092"`))
	}
	if len(f.Connectors) == 0 && !f.attempted {
		found = append(found, s.Finding(connectorsKey, "there is no connector", "at least one",
			fmt.Sprintf("add %q", "connectors: {shop: {connector.class: postgres, ...}}")))
	}
	return found
}
