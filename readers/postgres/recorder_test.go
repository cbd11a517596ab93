package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/envelope"
	"rdip/offsets"
)

// recorder is a Handler that writes down what it is told, one line a call, and can be held up.
type recorder struct {
	mu       sync.Mutex
	lines    []string
	idles    []uint64
	commits  []uint64
	txs      []envelope.Transaction
	flushes  int
	refuse   error         // what Row returns, if anything
	gate     chan struct{} // Row waits for it to close, nil for no wait
	entered  chan struct{} // gets one when Row begins to wait
	confirm  func(uint64)  // is told every commit and idle place, nil for none
	quiet    bool          // rows are only counted
	rows     int
	refused  []error // reasons of Refuse
	withheld []error // of messages that were not read
	// position is told every position, nil for none
	position func(offsets.Position)
	outside  offsets.Position // behind the newest message outside transactions
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) Begin(tx *envelope.Transaction) error {
	r.mu.Lock()
	r.txs = append(r.txs, *tx)
	r.mu.Unlock()
	r.note("begin")
	return nil
}

func (r *recorder) Table(l *envelope.Layout) error {
	names := make([]string, len(l.Table.Columns))
	for i, c := range l.Table.Columns {
		names[i] = c.Name
	}
	r.note("table %s(%s)", l.Table.ID(), strings.Join(names, ","))
	return nil
}

func (r *recorder) Row(e *envelope.Event) error {
	if r.gate != nil {
		select {
		case r.entered <- struct{}{}:
		default:
		}
		<-r.gate
	}
	if r.refuse != nil {
		return r.refuse
	}
	r.mu.Lock()
	r.rows++
	r.mu.Unlock()
	if r.quiet {
		return nil
	}
	line := fmt.Sprintf("%c %s", e.Op, e.Layout.Table.ID())
	if e.Before != nil {
		kind := "before"
		if e.KeyOnly {
			kind = "key"
		}
		line += fmt.Sprintf(" %s(%s)", kind, rowText(e.Before))
	}
	if e.After != nil {
		line += fmt.Sprintf(" after(%s)", rowText(e.After))
	}
	r.note("%s", line)
	return nil
}

// Refuse notes the table and keeps the reason, the stream going on.
func (r *recorder) Refuse(l *envelope.Layout, _ envelope.Row, reason error) error {
	r.mu.Lock()
	r.refused = append(r.refused, reason)
	r.mu.Unlock()
	r.note("refuse %s", l.Table.ID())
	return nil
}

func (r *recorder) Message(m *envelope.Message) error {
	if m.Refused != nil {
		r.mu.Lock()
		r.withheld = append(r.withheld, m.Refused)
		r.mu.Unlock()
	}
	if !m.Transactional {
		r.mu.Lock()
		r.outside = offsets.Position{Place: m.Place, Detail: m.Detail}
		r.mu.Unlock()
	}
	r.note("message %t %s %s", m.Transactional, m.Prefix, m.Content)
	return nil
}

func (r *recorder) Commit(d offsets.Durable) error {
	r.mu.Lock()
	r.commits = append(r.commits, d.Position.Place)
	r.mu.Unlock()
	r.note("commit")
	if r.confirm != nil {
		r.confirm(d.Position.Place)
	}
	if r.position != nil {
		r.position(d.Position)
	}
	return nil
}

func (r *recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushes++
	return nil
}

func (r *recorder) Idle(p offsets.Position) error {
	r.mu.Lock()
	r.idles = append(r.idles, p.Place)
	r.mu.Unlock()
	if r.confirm != nil {
		r.confirm(p.Place)
	}
	return nil
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows
}

// rowText shows NULL as ~, a value that is absent as ?, and a long value by its length.
func rowText(row envelope.Row) string {
	texts := make([]string, len(row))
	for i, v := range row {
		switch {
		case v.State == envelope.Null:
			texts[i] = "~"
		case v.State == envelope.Absent:
			texts[i] = "?"
		case len(v.Wire) > 64:
			texts[i] = fmt.Sprintf("%d bytes", len(v.Wire))
		default:
			texts[i] = string(v.Wire)
		}
	}
	return strings.Join(texts, ",")
}

// eventually waits for a condition of another process, which no clock of ours can move.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

var errStop = errors.New("the test's handler has seen enough")

// running is a streamer at work on a goroutine.
type running struct {
	cancel context.CancelFunc
	done   chan error
}

// until waits for a condition, and fails where the stream ends before.
func (r *running) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		select {
		case err := <-r.done:
			t.Fatalf("the stream has ended before %s: %v", what, err)
		default:
		}
		return ok()
	})
}

func (r *running) stop(t *testing.T) error {
	t.Helper()
	r.cancel()
	return r.wait(t)
}

func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(60 * time.Second):
		t.Fatal("the stream has not ended within 60 s")
		return nil
	}
}

// idled is every idle place so far.
func (r *recorder) idled() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.idles)
}

// lastCommit is the place of the last commit, 0 before the first.
func (r *recorder) lastCommit() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.commits) == 0 {
		return 0
	}
	return r.commits[len(r.commits)-1]
}
