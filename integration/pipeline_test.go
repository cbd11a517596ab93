package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rdip/connect/rest"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// pipeline is one database with its topics, and the configuration of the daemon between them.
type pipeline struct {
	*setup
	pg       *pgserver.Server
	kafka    *kafkaserver.Cluster
	registry string // URL
	database string
	prefix   string
}

// newPipeline captures a database of its own on the shared servers.
func newPipeline(t *testing.T, version int) *pipeline {
	t.Helper()
	return newPipelineBetween(t, testenv.SharedPostgres(t, version), testenv.SharedKafka(t))
}

// newPipelineBetween captures a database of its own of that server into that cluster.
func newPipelineBetween(t *testing.T, pg *pgserver.Server, kafka *kafkaserver.Cluster) *pipeline {
	t.Helper()
	p := &pipeline{pg: pg, kafka: kafka, registry: testenv.SharedRegistry(t).URL(), prefix: testenv.Name("shop")}
	p.database = testenv.Database(t, pg)
	p.setup = newSetup(t, pg, p.database, kafka.Bootstrap(), p.registry, p.prefix).with(
		"connectors.shop.heartbeat.interval.ms", "300ms",
		"connectors.shop.status.update.interval.ms", "200ms")
	return p
}

// itemsPipeline has a table items, of one row.
func itemsPipeline(t *testing.T, version int) *pipeline {
	t.Helper()
	p := newPipeline(t, version)
	p.makeItems(t)
	return p
}

func (p *pipeline) makeItems(t *testing.T) {
	t.Helper()
	p.exec(t, "CREATE TABLE items(id int PRIMARY KEY, note text)", "INSERT INTO items VALUES (0, 'first')")
}

// configured is the same pipeline with some keys set.
func (p *pipeline) configured(keys ...string) *pipeline {
	out := *p
	out.setup = p.with(keys...)
	return &out
}

// streaming starts the daemon and waits until the stream has begun.
func (p *pipeline) streaming(t *testing.T) *daemon {
	t.Helper()
	d := p.start(t)
	d.waitFor(t, "state=streaming")
	return d
}

// exec runs statements, each a transaction.
func (p *pipeline) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if err := p.pg.Exec(t.Context(), p.database, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// insert adds rows from..to to items, each in a transaction of its own.
func (p *pipeline) insert(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		p.exec(t, fmt.Sprintf("INSERT INTO items VALUES (%d, 'row %d')", i, i))
	}
}

// query is the text that a query of one value gives.
func (p *pipeline) query(t *testing.T, query string) string {
	t.Helper()
	return queryText(t, p.pg, p.database, query)
}

// slot is one column of the pipeline's slot.
func (p *pipeline) slot(t *testing.T, column string) string {
	t.Helper()
	return p.query(t, fmt.Sprintf("SELECT COALESCE((SELECT (%s)::text FROM pg_replication_slots WHERE slot_name = '%s'), '')", column, p.prefix))
}

// converge waits until the slot has confirmed all that was written until now.
func (p *pipeline) converge(t *testing.T) {
	t.Helper()
	end := p.query(t, "SELECT pg_current_wal_flush_lsn()::text")
	eventually(t, "the slot to confirm "+end, func() bool { return p.slot(t, "confirmed_flush_lsn >= '"+end+"'") == "true" })
}

// records are the topic of a table, from its beginning; without a topic there are none.
func (p *pipeline) records(t *testing.T, table string) []record {
	t.Helper()
	topic := p.prefix + ".public." + table
	if _, _, ok, err := p.kafka.Topic(topic); err != nil || !ok {
		return nil
	}
	var all []record
	for _, partition := range newTopicReader(p.registry).partitions(t, p.kafka, topic, judgedTable{Name: table, Keys: []string{"id"}}) {
		all = append(all, partition...)
	}
	return all
}

// mustHold waits until the topic of items has the rows 0..last, and checks that none comes twice unless
// repeats are allowed.
func (p *pipeline) mustHold(t *testing.T, last int, repeats bool) {
	t.Helper()
	var seen map[string]int
	eventually(t, fmt.Sprintf("rows 0 to %d to arrive", last), func() bool {
		seen = map[string]int{}
		for _, r := range p.records(t, "items") {
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

// ready is what /health/ready says: whether, and why not.
func (d *daemon) ready(t *testing.T) (bool, string) {
	t.Helper()
	code, body := d.get(t, "/health/ready")
	return code == http.StatusOK, body
}

// get asks the daemon's REST API.
func (d *daemon) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(d.rest(t) + path)
	if err != nil {
		t.Fatalf("%v\n%s", err, d.out.String())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// status is the connector's.
func (d *daemon) status(t *testing.T) rest.ConnectorStatus {
	t.Helper()
	_, body := d.get(t, "/connectors/shop/status")
	var s rest.ConnectorStatus
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.Rdip == nil {
		t.Fatalf("%v: %s", err, body)
	}
	return s
}

// mustSay waits for the end of a daemon that refuses to go on, and checks its exit code and its words.
func (d *daemon) mustSay(t *testing.T, code int, words ...string) {
	t.Helper()
	if got := d.wait(t, patience); got != code {
		t.Errorf("exit code %d, not %d", got, code)
	}
	for _, word := range words {
		if !strings.Contains(d.out.String(), word) {
			t.Errorf("%q is not in what rdip wrote:\n%s", word, d.out.String())
		}
	}
}

// rdip runs another command of the binary, and wants its exit code.
func (s *setup) rdip(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	c := exec.CommandContext(t.Context(), rdipBinary(t), args...)
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	if got := c.ProcessState.ExitCode(); got != code {
		t.Errorf("rdip %s: exit code %d, not %d:\n%s", strings.Join(args, " "), got, code, out.String())
	}
	return out.String()
}

var restAddress = regexp.MustCompile(`"?rest"?[=:]"?([0-9.:]+)`)

// rest is the base URL of the daemon's REST API.
func (d *daemon) rest(t *testing.T) string {
	t.Helper()
	d.waitFor(t, "rdip started")
	return "http://" + restAddress.FindStringSubmatch(d.out.String())[1]
}

// configFile is where setup.file writes.
func (s *setup) configFile() string { return filepath.Join(s.dir, "rdip.yaml") }
