package integration

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
)

// mostColumns is what PostgreSQL allows a table (MaxHeapAttributeNumber in htup_details.h).
const mostColumns = 1600

// wideRows of mostColumns integers are about 65 MB on disk.
const wideRows = 8000

// wideTableSQL are the statements that make the table large with as many columns as there can be.
func wideTableSQL() (create, insert string) {
	var columns, values []string
	for i := 2; i <= mostColumns; i++ {
		columns = append(columns, fmt.Sprintf("column_%04d int", i))
		values = append(values, "i + "+fmt.Sprint(i))
	}
	return "CREATE TABLE large(id int PRIMARY KEY, " + strings.Join(columns, ", ") + ")",
		"INSERT INTO large SELECT i, " + strings.Join(values, ", ") + " FROM generate_series(%d, %d) i"
}

// G8, D4: a table of 1,600 columns is copied and followed within the same memory as any other.
func TestATableOfAsManyColumnsAsPostgreSQLAllowsStaysWithinTheBoundsOfMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("resident memory is read from /proc")
	}
	p := harness.NewPipeline(t, 18)
	p.Tags = []string{harness.Released}
	create, insert := wideTableSQL()
	p.Exec(t, create, fmt.Sprintf(insert, 1, wideRows/2))
	d := p.Streaming(t)
	p.Exec(t, fmt.Sprintf(insert, wideRows/2+1, wideRows))
	mustEndAt(p, t, wideRows)
	mustStayBelow(d, t, busyBound)
}

const (
	hugeValue  = 100 << 20 // bytes of one value
	hugeRow    = "128MiB"
	hugeBudget = "512MiB"
	hugeBroker = 160 << 20 // the broker's limit of a message
)

// P70: with the budget raised to 512 MiB, rows of 100 MB pass, of the snapshot and of the stream, into a broker that
// takes them.
func TestWithTheBudgetRaisedARowOf100MBPasses(t *testing.T) {
	limit := fmt.Sprint(hugeBroker)
	kafka := testenv.Kafka(t, kafkaserver.Options{HeapMB: 1024, Properties: map[string]string{
		"message.max.bytes": limit, "replica.fetch.max.bytes": limit, "socket.request.max.bytes": fmt.Sprint(2 * hugeBroker)}})
	p := harness.NewPipelineBetween(t, testenv.SharedPostgres(t, 18), kafka).Configured("memory.budget", hugeBudget, "max.request.size", hugeRow, "connectors.shop.max.row.bytes", hugeRow)
	p.Tags = []string{harness.Released}
	p.MakeItems(t)
	value := fmt.Sprintf("repeat('0123456789', %d)", hugeValue/10)
	p.Exec(t, "INSERT INTO items VALUES (1, "+value+")")
	d := p.Streaming(t)
	p.Exec(t, "INSERT INTO items VALUES (2, "+value+")", "INSERT INTO items VALUES (3, 'small')")
	topic := p.Prefix + ".public.items"
	harness.Eventually(t, "four rows to arrive", func() bool {
		end, _ := kafka.EndOffset(topic)
		return end >= 4
	})
	huge := 0
	for _, r := range testenv.KcatSizes(t, kafka.Bootstrap(), topic) {
		if r.Value > hugeValue/10*10 {
			huge++
		}
	}
	if huge != 2 {
		t.Errorf("%d records hold the value whole, not 2", huge)
	}
	mustStayBelow(d, t, 1<<30)
}

// P70, K4, G8: with the default budget a row of 100 MB, of the snapshot or of the stream, stops its table by name and
// size; the other tables go on, and memory stays what it was.
func TestWithTheDefaultBudgetARowOf100MBStopsItsTableAlone(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	p.Tags = []string{harness.Released}
	value := fmt.Sprintf("repeat('0123456789', %d)", hugeValue/10)
	p.Exec(t, "CREATE TABLE copied(id int PRIMARY KEY, note text)", "INSERT INTO copied VALUES (1, "+value+")", "CREATE TABLE logged(id int PRIMARY KEY, note text)")
	d := p.Streaming(t)
	p.Exec(t, "INSERT INTO logged VALUES (1, "+value+")")
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, false)
	stopped := map[string]string{}
	harness.Eventually(t, "two tables to stop", func() bool {
		for _, table := range d.Status(t).Rdip.Tables {
			if table.Stopped != "" {
				stopped[table.Table] = table.Stopped
			}
		}
		return len(stopped) == 2
	})
	for _, table := range []string{"public.copied", "public.logged"} {
		for _, word := range []string{table, "10485", "max.row.bytes: "} {
			if !strings.Contains(stopped[table], word) {
				t.Errorf("%q is not in why %s stopped: %s", word, table, stopped[table])
			}
		}
	}
	mustStayBelow(d, t, busyBound)
}
