package readertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

const (
	// patience is how long a case waits for the source, on a machine that is busy with other things.
	patience = 60 * time.Second
	// promptly is how soon a reader must do what it does at once.
	promptly = 10 * time.Second
)

// scene is one case's database and the application that writes to it.
type scene struct {
	t       *testing.T
	subject *Subject
	db      Database
	sql     *Session
	marker  int // the last one written
}

func newScene(t *testing.T, s *Subject) *scene {
	t.Helper()
	db := s.New(t)
	sc := &scene{t: t, subject: s, db: db, sql: newSession(t, db, &s.Dialect, t.Fatalf)}
	sc.sql.CreateTable(markerTable, true, Column{"id", Int})
	return sc
}

// reader is a new Reader. It is closed with the test, and then once more.
func (s *scene) reader() readers.Reader {
	r := s.db.Reader()
	s.t.Cleanup(func() {
		for range 2 {
			if err := r.Close(context.Background()); err != nil {
				s.t.Errorf("closing a reader: %v", err)
			}
		}
	})
	return r
}

// open opens a new Reader, which must succeed.
func (s *scene) open(stored readers.Stored) (readers.Reader, readers.Resume) {
	s.t.Helper()
	r := s.reader()
	resume, err := r.Open(s.t.Context(), stored)
	if err != nil {
		s.t.Fatalf("open: %v", err)
	}
	return r, resume
}

// begin makes a first start, and lets the snapshot go without reading it.
func (s *scene) begin() (readers.Reader, readers.Stored) {
	s.t.Helper()
	r, resume := s.open(readers.Stored{})
	if err := r.Snapshot().Close(s.t.Context()); err != nil {
		s.t.Fatalf("closing the snapshot: %v", err)
	}
	return r, readers.Stored{Identity: resume.Identity, Position: resume.From, SnapshotDone: true}
}

// close closes a Reader before its test ends.
func (s *scene) close(r readers.Reader) {
	s.t.Helper()
	if err := r.Close(s.t.Context()); err != nil {
		s.t.Fatalf("closing a reader: %v", err)
	}
}

// mark writes the next marker.
func (s *scene) mark() int {
	s.marker++
	s.sql.Insert(markerTable, Row{s.marker})
	return s.marker
}

// streaming is a Stream at work on a goroutine, while Status is asked on another.
type streaming struct {
	*tape
	t      *testing.T
	cancel context.CancelCauseFunc
	ended  chan struct{}
	err    error // valid once ended is closed
}

// stream starts a Stream into a judged tape. It is stopped with the test at the latest.
func (s *scene) stream(r readers.Reader, from offsets.Position, p *tape) *streaming {
	ctx, cancel := context.WithCancelCause(context.Background())
	return s.streamUnder(ctx, cancel, r, from, p)
}

func (s *scene) streamUnder(ctx context.Context, cancel context.CancelCauseFunc, r readers.Reader, from offsets.Position, p *tape) *streaming {
	st := &streaming{tape: p, t: s.t, cancel: cancel, ended: make(chan struct{})}
	var group sync.WaitGroup
	group.Go(func() {
		defer close(st.ended)
		st.err = r.Stream(ctx, from, newJudge(p, s.t.Errorf))
	})
	group.Go(func() { watchStatus(s.t, r, st.ended) })
	s.t.Cleanup(func() {
		cancel(nil)
		group.Wait()
	})
	return st
}

// watchStatus asks for the status all the time: it is safe whatever else goes on.
func watchStatus(t *testing.T, r readers.Reader, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(time.Millisecond):
		}
		if st := r.Status(); st.LagBytes < -1 || st.RetainedBytes < -1 || st.RetainLimit < -1 {
			t.Errorf("a size in the status is neither known nor -1: %+v", st)
			return
		}
	}
}

// caughtUp waits until the tape's marker has come.
func (st *streaming) caughtUp() {
	st.t.Helper()
	select {
	case <-st.reached:
	case <-st.ended:
		select {
		case <-st.reached: // both
		default:
			st.t.Fatalf("the stream ended before the marker came: %v, after\n%s", st.err, show(st.transactions()))
		}
	case <-time.After(patience):
		st.t.Fatalf("the marker has not come within %s; there are\n%s", patience, show(st.transactions()))
	}
}

// wait waits for the stream to end by itself.
func (st *streaming) wait() error {
	st.t.Helper()
	select {
	case <-st.ended:
		return st.err
	case <-time.After(patience):
		st.t.Fatalf("the stream has not ended within %s", patience)
		return nil
	}
}

// stop ends the stream, which must return promptly and say that it was its context.
func (st *streaming) stop() {
	st.t.Helper()
	st.cancel(nil)
	select {
	case <-st.ended:
	case <-time.After(promptly):
		st.t.Fatalf("the stream has not ended within %s", promptly)
	}
	if !errors.Is(st.err, context.Canceled) {
		st.t.Fatalf("a stopped stream ended with %v", st.err)
	}
}

// captured is the transactions from a position up to a marker written now.
func (s *scene) captured(r readers.Reader, from offsets.Position) *tape {
	s.t.Helper()
	return s.replayed(r, from, s.mark())
}

// replayed is the transactions from a position up to a marker.
func (s *scene) replayed(r readers.Reader, from offsets.Position, marker int) *tape {
	s.t.Helper()
	st := s.stream(r, from, newTape(marker))
	st.caughtUp()
	st.stop()
	return st.tape
}

// resumed opens a new Reader at a stored position, streams up to a marker and closes it.
func (s *scene) resumed(stored readers.Stored, marker int) []transaction {
	s.t.Helper()
	r, resume := s.open(stored)
	if resume.Snapshot || resume.From != stored.Position || resume.Identity != stored.Identity {
		s.t.Fatalf("resumed with %+v, stored was %+v", resume, stored)
	}
	p := s.replayed(r, resume.From, marker)
	s.close(r)
	return p.transactions()
}

// expect compares transactions with what they should be, one a line.
func (s *scene) expect(txs []transaction, want ...string) {
	s.t.Helper()
	if got, want := show(txs), strings.Join(want, "\n"); got != want {
		s.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// eventually waits for a condition of another process, which no clock of ours can move.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// expectLost: a stored state must be refused for good as a lost position, with a fix.
func expectLost(t *testing.T, err error) {
	t.Helper()
	var f *fault.Error
	switch {
	case err == nil:
		t.Error("it was opened")
	case fault.KindOf(err) != fault.PositionLost || !fault.IsPermanent(err):
		t.Errorf("kind %v, permanent %v: %v", fault.KindOf(err), fault.IsPermanent(err), err)
	case !errors.As(err, &f) || f.Hint == "" || f.Cause == nil:
		t.Errorf("it does not say why, or what to do: %v", err)
	}
}

// unchanged: err is the handler's error itself, not one that wraps it.
func unchanged(err error) bool {
	return err == errStop //nolint:errorlint // wrapped is changed
}

var (
	errStop                  = errors.New("the suite's handler has seen enough")
	_       envelope.Handler = (*judge)(nil)
	_       envelope.Handler = (*tape)(nil)
)
