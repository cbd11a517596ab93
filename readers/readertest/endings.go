package readertest

import (
	"context"
	"testing"
	"time"

	"rdip/envelope"
)

var endings = []scenario{
	{"an error of the handler ends Stream unchanged, whichever call it is", streamEndsWithTheHandlersError},
	{"Stream ends promptly with its context while it waits for the source", streamEndsWhileItWaits},
	{"Stream ends promptly with its context while the handler blocks", streamEndsWhileTheHandlerBlocks},
	{"Stream does not begin under a context that has ended", streamDoesNotBegin},
}

func streamEndsWithTheHandlersError(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t", HiddenPrefix+"_t")
	r, stored := s.begin()
	s.sql.Insert("t", Row{1, "a"})
	for _, call := range []string{"Begin", "Table", "Row", "Commit", "Flush", "Idle"} {
		p := newTape(0)
		p.hook = func(name string, _ *envelope.Event) error {
			if name == call {
				return errStop
			}
			return nil
		}
		st := s.stream(r, stored.Position, p)
		if call == "Idle" {
			s.sql.Insert(HiddenPrefix+"_t", Row{1, "not captured"})
		}
		if err := st.wait(); !unchanged(err) {
			t.Errorf("an error of %s came back as %v", call, err)
		}
	}
	s.expect(s.captured(r, stored.Position).transactions(), "c t(1,a)")
}

func streamEndsWhileItWaits(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	r, stored := s.begin()
	st := s.stream(r, stored.Position, newTape(s.mark()))
	st.caughtUp()
	st.stop()
}

func streamEndsWhileTheHandlerBlocks(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	s.sql.Insert("t", Row{1, "a"}, Row{2, "b"})
	ctx, cancel := context.WithCancelCause(context.Background())
	entered := make(chan struct{})
	p := newTape(0)
	p.hook = rowHook(func(*envelope.Event) error {
		close(entered)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	st := s.streamUnder(ctx, cancel, r, stored.Position, p)
	<-entered
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	cancel(errStop)
	if err := st.wait(); !unchanged(err) {
		t.Errorf("the stream ended with %v", err)
	}
	if took := time.Since(began); took > promptly {
		t.Errorf("it took %s", took)
	}
	s.expect(s.captured(r, stored.Position).transactions(), "c t(1,a); c t(2,b)")
}

func streamDoesNotBegin(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	r, stored := s.begin()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errStop)
	if err := s.streamUnder(ctx, cancel, r, stored.Position, newTape(0)).wait(); err == nil {
		t.Error("it ended without an error")
	}
}
