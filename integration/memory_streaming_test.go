package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/integration/harness"
)

// G8, P33: resident memory stays below 64 MB as well where the server streams what has not ended: while several
// transactions, each several times spill.memory.bytes, are received between one another, and while they are read
// back from their files.
func TestMemoryIsBoundedWhileTransactionsInProgressAreKept(t *testing.T) {
	const together = 4
	p := memoryPipeline(t).Configured("connectors.shop.streaming", "on")
	d := p.Streaming(t)
	sessions := make([]*pgx.Conn, together)
	for i := range sessions {
		conn, err := p.PG.Connect(t.Context(), p.Database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		sessions[i] = conn
		execOn(t, conn, "BEGIN")
	}
	const parts, rows = 5, transactionRows / together
	for part := range parts {
		for i, conn := range sessions {
			first := i*rows + part*(rows/parts)
			execOn(t, conn, fmt.Sprintf("INSERT INTO large SELECT i, 1, md5(i::text), now()::timestamp, 12.34 FROM generate_series(%d, %d) i", first+1, first+rows/parts))
		}
	}
	harness.Eventually(t, "every transaction to have a file", func() bool { return len(spillFiles(t, p)) == together })
	for _, conn := range sessions {
		execOn(t, conn, "COMMIT")
	}
	mustEndAt(p, t, transactionRows)
	p.Converge(t)
	mustStayBelow(d, t, busyBound)
	if left := spillFiles(t, p); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

// G8, P70: rows just below max.row.bytes, of the log or read back from a file, take a few times their size on top, as
// docs/DELIVERY.md says, and the number of them does not matter.
func TestRowsJustBelowTheirLimitTakeNoMoreThanAFewTimesTheirSize(t *testing.T) {
	const limit = 16 << 20 // half of memory.budget
	for _, streaming := range []string{"off", "on"} {
		t.Run("streaming: "+streaming, func(t *testing.T) {
			p := memoryPipeline(t).Configured("connectors.shop.streaming", streaming, "connectors.shop.errors.tolerance", "all")
			p.MakeItems(t)
			p.Exec(t, "ALTER TABLE items ALTER note SET STORAGE EXTERNAL")
			d := p.Streaming(t)
			for i := range 3 {
				p.Exec(t, fmt.Sprintf("INSERT INTO items SELECT i, repeat('0123456789', 1500000) FROM generate_series(%d, %d) i", i*10+1, i*10+4))
			}
			p.Converge(t)
			mustStayBelow(d, t, busyBound+4*limit)
		})
	}
}

func execOn(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// spillFiles are the files of transactions that have not ended, each with its size in bytes.
func spillFiles(t *testing.T, p *harness.Pipeline) map[string]int64 {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(p.Keys["state.dir"], "spill", "*", "*.spill"))
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			sizes[name] = info.Size()
		}
	}
	return sizes
}
