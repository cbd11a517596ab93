package integration

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/usage"
)

// The bounds of resident memory, and a tenth of the sizes for which `make bench` shows them: memory that grew
// with the table or the transaction would pass the bound at these sizes too.
const (
	busyBound       = 64 << 20 // bytes
	idleBound       = 32 << 20 // bytes
	largeTable      = 100_000_000
	largeTableRows  = 1_100_000
	transactionRows = 500_000
	idleTime        = 5 * time.Second // heartbeats come and go meanwhile
)

// largeRowSQL are columns of about 90 bytes on disk.
const largeRowSQL = "SELECT i, 1, md5(i::text), now()::timestamp, 12.34 FROM generate_series(1, %d) i"

// memoryPipeline captures an empty table large, with the binary that a user has.
func memoryPipeline(t *testing.T) *harness.Pipeline {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("resident memory is read from /proc")
	}
	p := harness.NewPipeline(t, 15)
	p.Tags = []string{harness.Released}
	p.Exec(t, "CREATE TABLE large(id bigint PRIMARY KEY, a int, b text, c timestamp, d numeric(12,2))")
	return p
}

// G8: resident memory stays below 64 MB while a large table is copied.
func TestMemoryIsBoundedWhileALargeTableIsCopied(t *testing.T) {
	p := memoryPipeline(t)
	p.Exec(t, "INSERT INTO large "+fmt.Sprintf(largeRowSQL, largeTableRows))
	if size := p.Query(t, fmt.Sprintf("SELECT (pg_table_size('large') >= %d)::text", largeTable)); size != "true" {
		t.Fatalf("the table is smaller than %d bytes", largeTable)
	}
	d := p.Start(t)
	mustEndAt(p, t, largeTableRows)
	d.WaitFor(t, "state=streaming")
	mustStayBelow(d, t, busyBound)
}

// G8: idle, resident memory stays below 32 MB, and below 64 MB while one large transaction passes.
func TestMemoryIsBoundedIdleAndWhileALargeTransactionPasses(t *testing.T) {
	p := memoryPipeline(t)
	d := p.Streaming(t)
	time.Sleep(idleTime)
	mustStayBelow(d, t, idleBound)
	p.Exec(t, "INSERT INTO large "+fmt.Sprintf(largeRowSQL, transactionRows))
	mustEndAt(p, t, transactionRows)
	p.Converge(t)
	mustStayBelow(d, t, busyBound)
}

// mustEndAt waits until the topic of the table large ends at so many records, and no more.
func mustEndAt(p *harness.Pipeline, t *testing.T, records int64) {
	t.Helper()
	topic := p.Prefix + ".public.large"
	var end int64
	harness.Eventually(t, fmt.Sprintf("%s to end at %d records", topic, records), func() bool {
		end, _ = p.Kafka.EndOffset(topic) // there is no topic at first
		return end >= records
	})
	if end != records {
		t.Errorf("%s ends at %d records, %d rows were written", topic, end, records)
	}
}

// mustStayBelow checks the most memory that the daemon has had resident since its start, in bytes.
func mustStayBelow(d *harness.Daemon, t *testing.T, bound int64) {
	t.Helper()
	peak, err := usage.Peak(d.Cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MiB resident at most, %d MiB are allowed", float64(peak)/(1<<20), bound>>20)
	if peak >= bound {
		t.Errorf("%.1f MiB were resident, the bound is %d MiB", float64(peak)/(1<<20), bound>>20)
	}
}
