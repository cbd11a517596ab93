package offsets_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rdip/offsets"
)

// model is the Tracker as one would say it: a list of everything that happened in the lane, read from the
// start each time.
type model struct {
	batches []modelBatch
	marks   []modelMark
	taken   int
}

type modelBatch struct {
	sealed, acked bool
	last          offsets.Position
	chunks        []offsets.Chunk
}

// modelMark was reached behind the first `behind` batches.
type modelMark struct {
	behind int
	p      offsets.Position
	chunk  *offsets.Chunk
}

func (m *model) acked(n int) bool {
	for _, b := range m.batches[:n] {
		if !b.acked {
			return false
		}
	}
	return true
}

func (m *model) sealedBatches() int {
	n := 0
	for i, b := range m.batches {
		if b.sealed {
			n = i + 1
		}
	}
	return n
}

func (m *model) safe() offsets.Position {
	var best offsets.Position
	for i, b := range m.batches {
		if m.acked(i+1) && b.last.Place > best.Place {
			best = b.last
		}
	}
	for _, k := range m.marks {
		if k.chunk == nil && m.acked(k.behind) && k.p.Place > best.Place {
			best = k.p
		}
	}
	return best
}

// chunks are all safe chunks since the start, in lane order.
func (m *model) chunks() []offsets.Chunk {
	var out []offsets.Chunk
	for i := 0; i <= len(m.batches) && m.acked(i); i++ {
		if i > 0 {
			out = append(out, m.batches[i-1].chunks...)
		}
		for _, k := range m.marks {
			if k.chunk != nil && k.behind == i {
				out = append(out, *k.chunk)
			}
		}
	}
	return out
}

func (m *model) outstanding() int {
	n := 0
	for i := range m.batches {
		if !m.acked(i + 1) {
			n++
		}
	}
	return n
}

// G3, G4: over any sequence of calls the Tracker says what the model says.
func TestTheTrackerAgreesWithANaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, m := offsets.NewTracker(), &model{}
		place, index := uint64(0), 0
		position := func(t *rapid.T) offsets.Position {
			place += rapid.Uint64Range(1, 3).Draw(t, "step")
			return offsets.Position{Place: place}
		}
		chunk := func() offsets.Chunk {
			index++
			return offsets.Chunk{Table: "public.t", Index: index}
		}
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				m.batches = append(m.batches, modelBatch{})
				if got := tr.Open(); int(got) != len(m.batches) {
					t.Fatalf("token %d", got)
				}
			},
			"seal": func(t *rapid.T) {
				i := m.sealedBatches() // the oldest open batch: a lane seals in order
				if i == len(m.batches) {
					t.Skip("nothing open")
				}
				b := &m.batches[i]
				b.sealed = true
				if rapid.Bool().Draw(t, "commit inside") {
					b.last = position(t)
				}
				for range rapid.IntRange(0, 2).Draw(t, "chunks") {
					b.chunks = append(b.chunks, chunk())
				}
				if err := tr.Seal(offsets.Token(i+1), b.last, b.chunks); err != nil {
					t.Fatal(err)
				}
			},
			"mark": func(t *rapid.T) {
				p := position(t)
				m.marks = append(m.marks, modelMark{behind: m.sealedBatches(), p: p})
				tr.Mark(p)
			},
			"mark chunk": func(t *rapid.T) {
				c := chunk()
				m.marks = append(m.marks, modelMark{behind: m.sealedBatches(), chunk: &c})
				tr.MarkChunk(c)
			},
			"ack": func(t *rapid.T) {
				i := rapid.IntRange(0, len(m.batches)).Draw(t, "batch")
				valid := i < len(m.batches) && m.batches[i].sealed && !m.batches[i].acked
				if err := tr.Ack(offsets.Token(i + 1)); (err == nil) != valid || (err != nil && !errors.Is(err, offsets.ErrToken)) {
					t.Fatalf("ack of %d: %v", i+1, err)
				}
				if valid {
					m.batches[i].acked = true
				}
			},
			"take chunks": func(t *rapid.T) {
				want := m.chunks()[m.taken:]
				m.taken += len(want)
				if got := tr.TakeChunks(); !slices.Equal(got, want) {
					t.Fatalf("took %v, want %v", got, want)
				}
			},
			"": func(t *rapid.T) {
				want := m.safe()
				if got, ok := tr.Safe(); got != want || ok == want.IsZero() {
					t.Fatalf("safe %v, %t; want %v", got, ok, want)
				}
				if got, want := tr.Outstanding(), m.outstanding(); got != want {
					t.Fatalf("%d outstanding, want %d", got, want)
				}
			},
		})
	})
}
