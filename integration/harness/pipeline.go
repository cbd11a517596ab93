package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rdip/connect/rest"
	"rdip/integration/judge"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// Pipeline is one database with its topics, and the configuration of the daemon between them.
type Pipeline struct {
	*Setup
	PG       *pgserver.Server
	Kafka    *kafkaserver.Cluster
	Registry string // URL
	Database string
	Prefix   string
}

// NewPipeline captures a database of its own on the shared servers.
func NewPipeline(t *testing.T, version int) *Pipeline {
	t.Helper()
	return NewPipelineBetween(t, testenv.SharedPostgres(t, version), testenv.SharedKafka(t))
}

// NewPipelineBetween captures a database of its own of that server into that cluster.
func NewPipelineBetween(t *testing.T, pg *pgserver.Server, kafka *kafkaserver.Cluster) *Pipeline {
	t.Helper()
	p := &Pipeline{PG: pg, Kafka: kafka, Registry: testenv.SharedRegistry(t).URL(), Prefix: testenv.Name("shop")}
	p.Database = testenv.Database(t, pg)
	p.Setup = NewSetup(t, pg, p.Database, kafka.Bootstrap(), p.Registry, p.Prefix).With(
		"connectors.shop.heartbeat.interval.ms", "300ms",
		"connectors.shop.status.update.interval.ms", "200ms")
	return p
}

// ItemsPipeline has a table items, of one row.
func ItemsPipeline(t *testing.T, version int) *Pipeline {
	t.Helper()
	p := NewPipeline(t, version)
	p.MakeItems(t)
	return p
}

// MakeItems makes the table items, with row 0.
func (p *Pipeline) MakeItems(t *testing.T) {
	t.Helper()
	p.Exec(t, "CREATE TABLE items(id int PRIMARY KEY, note text)", "INSERT INTO items VALUES (0, 'first')")
}

// Configured is the same pipeline with some keys set.
func (p *Pipeline) Configured(keys ...string) *Pipeline {
	out := *p
	out.Setup = p.With(keys...)
	return &out
}

// Streaming starts the daemon and waits until the stream has begun.
func (p *Pipeline) Streaming(t *testing.T) *Daemon {
	t.Helper()
	d := p.Start(t)
	d.WaitFor(t, "state=streaming")
	return d
}

// Exec runs statements, each a transaction.
func (p *Pipeline) Exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if err := p.PG.Exec(t.Context(), p.Database, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Insert adds rows from..to to items, each in a transaction of its own.
func (p *Pipeline) Insert(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		p.Exec(t, fmt.Sprintf("INSERT INTO items VALUES (%d, 'row %d')", i, i))
	}
}

// Query is the text that a query of one value gives.
func (p *Pipeline) Query(t *testing.T, query string) string {
	t.Helper()
	return queryText(t, p.PG, p.Database, query)
}

// Slot is one column of the pipeline's slot.
func (p *Pipeline) Slot(t *testing.T, column string) string {
	t.Helper()
	return p.Query(t, fmt.Sprintf("SELECT COALESCE((SELECT (%s)::text FROM pg_replication_slots WHERE slot_name = '%s'), '')", column, p.Prefix))
}

// Converge waits until the slot has confirmed all that was written until now. It is patient for as long as the slot moves.
func (p *Pipeline) Converge(t *testing.T) {
	t.Helper()
	end := p.Query(t, "SELECT pg_current_wal_flush_lsn()::text")
	was, deadline := "", time.Now().Add(Patience)
	for p.Slot(t, "confirmed_flush_lsn >= '"+end+"'") != "true" {
		if at := p.Slot(t, "confirmed_flush_lsn"); at != was {
			was, deadline = at, time.Now().Add(Patience)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the slot stays at %s for %v, and %s was written", was, Patience, end)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Records are the topic of a table, from its beginning; without a topic there are none.
func (p *Pipeline) Records(t *testing.T, table string) []judge.Record {
	t.Helper()
	topic := p.Prefix + ".public." + table
	if _, _, ok, err := p.Kafka.Topic(topic); err != nil || !ok {
		return nil
	}
	var all []judge.Record
	for _, partition := range NewTopicReader(p.Registry).Partitions(t, p.Kafka, topic, judge.Table{Name: table, Keys: []string{"id"}}) {
		all = append(all, partition...)
	}
	return all
}

// MustHold waits until the topic of items has the rows 0..last, and checks that none comes twice unless
// repeats are allowed.
func (p *Pipeline) MustHold(t *testing.T, last int, repeats bool) {
	t.Helper()
	var seen map[string]int
	Eventually(t, fmt.Sprintf("rows 0 to %d to arrive", last), func() bool {
		seen = map[string]int{}
		for _, r := range p.Records(t, "items") {
			seen[r.Key]++
		}
		return len(seen) == last+1
	})
	for key, n := range seen {
		if n > 1 && !repeats {
			t.Errorf("row %s came %d times", key, n)
		}
	}
}

// Ready is what /health/ready says: whether, and why not.
func (d *Daemon) Ready(t *testing.T) (bool, string) {
	t.Helper()
	code, body := d.Get(t, "/health/ready")
	return code == http.StatusOK, body
}

// Get asks the daemon's REST API.
func (d *Daemon) Get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(d.REST(t) + path)
	if err != nil {
		t.Fatalf("%v\n%s", err, d.Out.String())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Status is the connector's.
func (d *Daemon) Status(t *testing.T) rest.ConnectorStatus {
	t.Helper()
	_, body := d.Get(t, "/connectors/shop/status")
	var s rest.ConnectorStatus
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.Rdip == nil {
		t.Fatalf("%v: %s", err, body)
	}
	return s
}

// MustSay waits for the end of a daemon that refuses to go on, and checks its exit code and its words.
func (d *Daemon) MustSay(t *testing.T, code int, words ...string) {
	t.Helper()
	if got := d.Wait(t, Patience); got != code {
		t.Errorf("exit code %d, not %d", got, code)
	}
	for _, word := range words {
		if !strings.Contains(d.Out.String(), word) {
			t.Errorf("%q is not in what rdip wrote:\n%s", word, d.Out.String())
		}
	}
}

// Command runs another command of the binary, and wants its exit code.
func (s *Setup) Command(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out LockedBuffer
	c := exec.CommandContext(t.Context(), s.binary(t), args...)
	stderr, drained := s.stderr(t, &out)
	c.Stdout, c.Stderr = &out, stderr
	err := c.Run()
	drained()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	if got := c.ProcessState.ExitCode(); got != code {
		t.Errorf("rdip %s: exit code %d, not %d:\n%s", strings.Join(args, " "), got, code, out.String())
	}
	return out.String()
}

var restAddress = regexp.MustCompile(`"?rest"?[=:]"?([0-9.:]+)`)

// REST is the base URL of the daemon's REST API.
func (d *Daemon) REST(t *testing.T) string {
	t.Helper()
	d.WaitFor(t, "rdip started")
	return "http://" + restAddress.FindStringSubmatch(d.Out.String())[1]
}

// ConfigFile is where setup.file writes.
func (s *Setup) ConfigFile() string { return filepath.Join(s.dir, "rdip.yaml") }

// queryText runs a query for one text.
func queryText(t *testing.T, pg *pgserver.Server, database, query string) string {
	t.Helper()
	conn, err := pg.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}
