package snapshot

import (
	"testing"

	"rdip/envelope"
)

// P71: a table without a key shows how far it is while its rows go out and the stream waits. Stopped in the middle, what
// went out stays, and the stream goes on at once; a pause lets it come to its end, or its rows would come twice.
func TestATableWithoutAKeyIsStoppedInTheMiddleAndPausedBehindItsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Readings, ...string) error
		out    []string
		index  int
		rows   int64
		state  ReadingState
	}{
		"stopped":  {(*Readings).Stop, []string{"r 1 whole", "c 9 later"}, -1, 1, ReadingStopped},
		"paused":   {(*Readings).Pause, []string{"r 1 whole", "r 2 whole", "c 9 later"}, 0, 2, ReadingFinished},
		"left off": {func(*Readings, ...string) error { return nil }, []string{"r 1 whole", "r 2 whole", "c 9 later"}, 0, 2, ReadingFinished},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(nil)
			s.views, s.exact = []*scriptView{{newest: 20}}, &scriptSource{script: s, place: 1100}
			scripted(t, s, initialTable, func(p *play) {
				s.exact.after = func() {
					if r := p.r.Report().Tables[0]; r.State != ReadingRunning || r.Rows != 1 || r.Waiting == "" {
						t.Errorf("in the middle: %+v", r)
					}
					p.must(c.change(p.r, "public.t"))
				}
				p.step()
				p.begin(10, 1000)
				p.commit(1001)
				p.begin(11, 1200)
				p.must(p.w.Row(&envelope.Event{Op: envelope.Create, Layout: s.layout, After: s.event(envelope.Create, "9", "later").After}))
				p.commit(1201)
				p.went(c.out...)
				if len(p.chunks) != 1 || p.chunks[0].Index != c.index || p.chunks[0].Rows != c.rows {
					t.Fatalf("committed were %+v", p.chunks)
				}
				p.r.Changed(p.chunks)
				if r := p.r.Report().Tables[0]; r.State != c.state {
					t.Errorf("in the end: %+v", r)
				}
			})
		})
	}
}
