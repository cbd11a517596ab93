package readertest

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"rdip/envelope"
)

// alone are the cases that must have the server, or the process's memory, to themselves.
var alone = []scenario{
	{"a large transaction passes in bounded memory (G8)", largeTransaction},
	{"a source that restarts loses nothing, and is worth another try", sourceRestarted},
}

// The large transaction is 51,200 rows of 400 bytes, 20 MB; what the process keeps may grow by less than
// half of that.
const (
	largeRows      = 50 << 10
	largeHeapBytes = 8 << 20
)

func largeTransaction(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	rows := make([]Row, 50)
	for i := range rows {
		rows[i] = Row{i, strings.Repeat("x", 400)}
	}
	s.sql.Begin()
	s.sql.Insert("t", rows...)
	for n := len(rows); n < largeRows; n *= 2 {
		s.sql.Double("t", n)
	}
	s.sql.Commit()

	p := newTape(s.mark())
	p.quiet = true
	seen, most := 0, uint64(0)
	p.hook = rowHook(func(*envelope.Event) error {
		if seen++; seen%5000 == 0 {
			most = max(most, liveHeap())
		}
		return nil
	})
	before := liveHeap()
	st := s.stream(r, stored.Position, p)
	st.caughtUp()
	st.stop()
	if p.rows != largeRows {
		t.Errorf("%d rows of %d", p.rows, largeRows)
	}
	if most > before+largeHeapBytes {
		t.Errorf("in the middle of it %d bytes are in use, %d more than before", most, most-before)
	}
}

// liveHeap is how many bytes of the heap are in use.
func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func sourceRestarted(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	s.expectInterruption(r, stored, func() {
		s.db.Restart(t)
		s.sql.conn = s.db.Connect(t)
		t.Cleanup(func() { _ = s.sql.conn.Close(context.Background()) })
	})
}
