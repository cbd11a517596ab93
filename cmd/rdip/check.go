package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"rdip/connect/source"
	"rdip/internal/fault"
	"rdip/readers/postgres"
	"rdip/schema"
	"rdip/schema/client"
	"rdip/sinks"
	"rdip/sinks/kafka"
)

type checkCommand struct {
	configFile `embed:""`
	Format     string        `enum:"text,json" default:"text" help:"Form of the findings: text or json."`
	Timeout    time.Duration `default:"60s" help:"Limit on the whole check."`
}

// Run prints every finding about the configuration and the servers that it names, and changes nothing. Its
// error, and with it the exit code, is that of the first fatal finding.
func (c checkCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	path, err := c.path()
	if err != nil {
		return err
	}
	s, err := load(path)
	findings := fault.Findings{}
	if err != nil {
		var fatal fault.Findings
		if !errors.As(err, &fatal) {
			return err
		}
		findings = append(findings, fatal...)
	}
	if s != nil {
		findings = append(findings, s.notices...)
	}
	if err == nil {
		findings = append(findings, s.checkServers(ctx)...)
	}
	if err := c.print(os.Stdout, path, findings); err != nil {
		return err
	}
	if err := findings.Err(); err != nil {
		return &silent{err}
	}
	return nil
}

// silent is an error whose text was printed already; only its exit code counts.
type silent struct{ error }

func (s *silent) Unwrap() error { return s.error }

func (c checkCommand) print(w io.Writer, path string, findings fault.Findings) error {
	if c.Format == "json" {
		return printJSON(w, findings)
	}
	for _, f := range findings {
		fmt.Fprintln(w, f)
	}
	count := map[fault.Severity]int{}
	for _, f := range findings {
		count[f.Severity]++
	}
	_, err := fmt.Fprintf(w, "%s: %s, %s, %s\n", path, counted(count[fault.Fatal], "error"), counted(count[fault.Warning], "warning"), counted(count[fault.Notice], "notice"))
	return err
}

// counted is a number of things: "1 error", "2 errors".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func printJSON(w io.Writer, findings fault.Findings) error {
	type line struct {
		Severity string `json:"severity"`
		Kind     string `json:"kind"`
		Where    string `json:"where"`
		Seen     string `json:"seen"`
		Need     string `json:"need,omitempty"`
		Fix      string `json:"fix,omitempty"`
		Case     string `json:"case,omitempty"`
	}
	lines := make([]line, len(findings))
	for i, f := range findings {
		lines[i] = line{f.Severity.String(), f.Kind.String(), f.Where, f.Seen, f.Need, f.Fix, f.Case}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(lines)
}

// checkServers asks every server that the configuration names.
func (s *settings) checkServers(ctx context.Context) fault.Findings {
	var findings fault.Findings
	if !s.worker.Embedded && s.needsRegistry() {
		findings = append(findings, s.checkRegistry(ctx)...)
	}
	for i := range s.connectors {
		c := &s.connectors[i]
		tables, more := s.checkSource(ctx, c)
		findings = append(findings, more...)
		judged := source.Judge(tables, c.source.Reshape(), c.source.Naming())
		findings = append(findings, judged.Findings...)
		topics, keyless := judged.Topics, judged.Keyless
		own := c.own()
		topics = append(topics, own.Names()...)
		beside := slices.Clone(topics) // and those apart, which have no schemas
		for _, t := range c.apart() {
			if slices.Contains(judged.Topics, t.name) {
				findings = append(findings, t.refused("connector "+c.name+", "+t.key, "a table has it too"))
				continue
			}
			beside = append(beside, t.name)
		}
		findings = append(findings, kafka.TopicCollisions(beside)...)
		if !s.worker.Embedded {
			findings = append(findings, unlessMessages(own.MessageTopic, s.checkKafka(ctx, c, beside, keyless))...)
			findings = append(findings, s.checkSubjects(ctx, c, topics)...)
		}
	}
	return distinct(findings)
}

// unlessMessages are findings of a check in which the topic of logical messages is no reason not to start: it is
// written to only if the application emits some.
func unlessMessages(topic string, findings []fault.Finding) []fault.Finding {
	for i := range findings {
		f := &findings[i]
		if f.Where != fmt.Sprintf("topic %q", topic) || f.Severity != fault.Fatal {
			continue
		}
		f.Severity = fault.Warning
		f.Need = "it only where the application emits logical messages: the first one is written to it"
		f.Fix = strings.TrimPrefix(f.Fix+"; or message.prefix.exclude.list: .*", "; or ")
	}
	return findings
}

// checkSubjects asks whether the registry takes schemas for a connector's topics.
func (s *settings) checkSubjects(ctx context.Context, c *connectorSettings, topics []string) []fault.Finding {
	if !c.source.Converters.NeedsRegistry() {
		return nil
	}
	config, err := s.registryConfig()
	if err != nil {
		return nil // checkRegistry says why
	}
	registry, err := client.New(config)
	if err != nil {
		return nil
	}
	var subjects []string
	for _, t := range topics {
		subjects = append(subjects, t+"-key", t+"-value")
	}
	return registry.CheckSubjects(ctx, subjects)
}

// distinct leaves out what another connector has already said of the same server.
func distinct(findings fault.Findings) fault.Findings {
	said := map[fault.Finding]bool{}
	return slices.DeleteFunc(findings, func(f fault.Finding) bool {
		again := said[f]
		said[f] = true
		return again
	})
}

func (s *settings) checkRegistry(ctx context.Context) []fault.Finding {
	config, err := s.registryConfig()
	if err != nil {
		return asFinding("schema registry", err)
	}
	c, err := client.New(config)
	if err != nil {
		return asFinding("schema registry", err)
	}
	return c.Check(ctx)
}

// checkSource checks a connector's database, and gives its tables.
func (s *settings) checkSource(ctx context.Context, c *connectorSettings) ([]*schema.Table, []fault.Finding) {
	r := postgres.New(c.name, c.postgres)
	defer r.Close(context.WithoutCancel(ctx))
	findings := append(r.Check(ctx), s.foresee(ctx, c, r)...)
	if look, err := postgres.LookAt(ctx, c.postgres, s.slots(), nil); err == nil { // else Check has said why
		findings = append(findings, look.Orphans...)
	}
	tables, err := r.Tables(ctx)
	if err != nil {
		return nil, findings // Check has said why
	}
	return tables, findings
}

// foresee says whether a start could go on from the position in the state folder. Nothing is said of a first start that may
// be one, while a daemon has the folder, or where the position is in Kafka: checkPositions does.
func (s *settings) foresee(ctx context.Context, c *connectorSettings, r *postgres.Reader) []fault.Finding {
	file, _ := s.stateFile()
	if file == nil || c.once {
		return nil
	}
	record := file.Connectors[c.name]
	if record.Identity == "" && c.postgres.SnapshotMode != postgres.SnapshotRecovery {
		return nil
	}
	stored, err := source.StoredOf(&record, r)
	if err != nil {
		return asFinding("state.dir", err)
	}
	return r.Foresee(ctx, stored)
}

func (s *settings) checkKafka(ctx context.Context, c *connectorSettings, topics, keyless []string) []fault.Finding {
	var told noted
	p, err := kafka.New(s.kafkaOf(c), c.topics, func(*sinks.Batch, error) {}, told.add)
	if err != nil {
		return asFinding("Kafka", err)
	}
	defer p.Close(context.WithoutCancel(ctx))
	findings := append(p.Check(ctx, topics), p.CheckKeyless(ctx, keyless)...)
	if c.once {
		findings = append(findings, s.checkPositions(ctx, c, p)...)
	}
	return append(findings, told.all()...)
}

// noted gathers what a producer tells from its own goroutines.
type noted struct {
	mu       sync.Mutex
	findings []fault.Finding
}

func (n *noted) add(f fault.Finding) {
	n.mu.Lock()
	n.findings = append(n.findings, f)
	n.mu.Unlock()
}

func (n *noted) all() []fault.Finding {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.findings
}

// asFinding is an error as one finding of a check.
func asFinding(where string, err error) []fault.Finding {
	f := fault.Finding{Kind: fault.KindOf(err), Where: where, Seen: err.Error()}
	var e *fault.Error
	if errors.As(err, &e) {
		f.Fix = e.Hint
		if e.Cause != nil {
			f.Seen = e.Cause.Error()
		}
		if e.Object != "" {
			f.Where = where + ": " + e.Object
		}
	}
	return []fault.Finding{f}
}
