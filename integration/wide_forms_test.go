package integration

import (
	"fmt"
	"runtime"
	"testing"

	"rdip/integration/harness"
)

// widePipeline captures a table large of as many columns as there can be, with so many rows in it, with the binary
// that a user has. insert adds rows from..to.
func widePipeline(t *testing.T, rows int, keys ...string) (p *harness.Pipeline, insert func(from, to int)) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("resident memory is read from /proc")
	}
	p = harness.NewPipeline(t, 18).Configured(keys...)
	p.Tags = []string{harness.Released}
	create, statement := wideTableSQL()
	insert = func(from, to int) {
		t.Helper()
		p.Exec(t, fmt.Sprintf(statement, from, to))
	}
	p.Exec(t, create)
	insert(1, rows)
	return p, insert
}

// G8, D4: as JSON a wide row is many times as large, and with its schema in each record larger still; the snapshot
// and the stream of such rows take no more memory.
func TestWideRowsAsJSONStayWithinTheBoundsOfMemory(t *testing.T) {
	for name, c := range map[string]struct {
		rows    int // of 60 KB, or of 300 KB with the schema
		schemas string
	}{"without the schema": {2000, "false"}, "with the schema": {1200, "true"}} {
		t.Run(name, func(t *testing.T) {
			p, insert := widePipeline(t, c.rows,
				"connectors.shop.key.converter", "json", "connectors.shop.key.converter.schemas.enable", c.schemas,
				"connectors.shop.value.converter", "json", "connectors.shop.value.converter.schemas.enable", c.schemas)
			d := p.Streaming(t)
			insert(c.rows+1, 2*c.rows)
			mustEndAt(p, t, int64(2*c.rows))
			mustStayBelow(d, t, busyBound)
		})
	}
}

// G8, D4: a wide table that is read in windows, while a large transaction changes it and others add to it, takes no
// more memory, and every row arrives.
func TestAWideTableIsReadInWindowsWithinTheBoundsOfMemory(t *testing.T) {
	const rows = 3000
	p, insert := widePipeline(t, rows, "connectors.shop.snapshot.mode", "no_data")
	d := p.Streaming(t)
	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.large")...)
	p.Exec(t, "UPDATE large SET column_0002 = 0 WHERE id % 2 = 0")
	insert(rows+1, 2*rows)
	harness.Eventually(t, "the table to be read", func() bool {
		tables := d.Status(t).Rdip.Tables
		return len(tables) == 1 && tables[0].Reading != nil && tables[0].Reading.State == "finished"
	})
	p.Converge(t)
	mustStayBelow(d, t, busyBound)
	records, err := p.Kafka.Read(t.Context(), p.Prefix+".public.large")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, r := range records {
		keys[string(r.Key)] = true
	}
	if len(keys) != 2*rows {
		t.Errorf("%d of %d rows are in the topic", len(keys), 2*rows)
	}
}
