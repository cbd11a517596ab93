package snapshot_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/snapshot"
)

// topic is what consumers find: the records in order, and for each key what they make of them.
type topic struct {
	faults []string
	state  map[int]modelRow // text "" where it is not known
	newest map[int]int      // the newest version that was ever written of a key
	known  map[int]string   // the text of a version, once it was known: what is repeated is not news
	reads  int
}

// consumer is the lane below the windows: it gathers records and writes them into the topic in batches; what is
// gathered when the process dies is lost.
type consumer struct {
	mu     sync.Mutex
	to     *topic
	random *rand.Rand
	batch  []func()
	inRun  map[int]int // the newest version of a key that this run has written
	safe   uint64
	last   uint64
	chunks []offsets.Chunk
	ready  []offsets.Chunk
	place  uint64
	layout *envelope.Layout
}

func (c *consumer) Begin(tx *envelope.Transaction) error               { c.place = tx.Place; return nil }
func (c *consumer) Table(l *envelope.Layout) error                     { c.layout = l; return nil }
func (c *consumer) Message(*envelope.Message) error                    { return nil }
func (c *consumer) Idle(offsets.Position) error                        { return nil }
func (c *consumer) Refuse(*envelope.Layout, envelope.Row, error) error { return nil }

func (c *consumer) Row(e *envelope.Event) error {
	if c.layout != e.Layout {
		c.to.faults = append(c.to.faults, "a row of a layout that was not announced last")
	}
	op, before, after := e.Op, parse(e.Before), parse(e.After)
	c.batch = append(c.batch, func() { c.write(op, before, after) })
	return nil
}

func parse(r envelope.Row) *modelRow {
	if r == nil {
		return nil
	}
	m := &modelRow{text: string(r[2].Wire)}
	m.id, _ = strconv.Atoi(string(r[0].Wire))
	m.version, _ = strconv.Atoi(string(r[1].Wire))
	return m
}

// write is what a consumer makes of a record, and what may never come.
func (c *consumer) write(op envelope.Op, before, after *modelRow) {
	t := c.to
	if op == envelope.Truncate {
		clear(t.state)
		return
	}
	if op == envelope.Read {
		t.reads++
		if after.version < t.newest[after.id] {
			t.faults = append(t.faults, fmt.Sprintf("key %d: version %d was read behind %d", after.id, after.version, t.newest[after.id]))
		}
	}
	var carried string
	if before != nil {
		carried = t.state[before.id].text
		delete(t.state, before.id)
	}
	if after == nil {
		return
	}
	if after.version < c.inRun[after.id] {
		t.faults = append(t.faults, fmt.Sprintf("key %d: version %d came behind %d in one run", after.id, after.version, c.inRun[after.id]))
	}
	c.inRun[after.id], t.newest[after.id] = after.version, max(t.newest[after.id], after.version)
	if after.text == "" {
		if before == nil {
			carried = t.state[after.id].text
		}
		after.text = carried
		if known := t.known[after.version]; known != "" {
			after.text = known
		}
	}
	t.known[after.version] = after.text
	t.state[after.id] = *after
}

func (c *consumer) Commit(d offsets.Durable) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.Chunk != nil {
		c.chunks = append(c.chunks, *d.Chunk)
	} else {
		c.last = d.Position.Place
	}
	if c.random.IntN(4) == 0 {
		c.send()
	}
	return nil
}

func (c *consumer) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send()
	return nil
}

func (c *consumer) send() {
	for _, write := range c.batch {
		write()
	}
	c.batch = nil
	c.safe, c.ready, c.chunks = max(c.safe, c.last), append(c.ready, c.chunks...), nil
}

// stored is the state folder.
type stored struct {
	place  uint64
	tables map[string]offsets.TableSnapshot
}

// commit stores what is safe: the position and the tables' records as one.
func (s *stored) commit(c *consumer, readings *snapshot.Readings) {
	c.mu.Lock()
	place, chunks := c.safe, c.ready
	c.ready = nil
	c.mu.Unlock()
	changed, done := readings.Changed(chunks)
	for id, t := range changed {
		s.tables[id] = *t
	}
	s.place = max(s.place, place)
	done()
}

type script struct {
	seed              uint64
	rows, keys, bytes int
	owed              int // bytes of keys that may be owed
	writes, crashes   int
}

// plenty is more than is ever owed.
const plenty = 1 << 20

// play changes the table at random moments while its windows are read, kills the process now and then, and says
// what is wrong in the end.
func play(s script) (faults []string) {
	random := rand.New(rand.NewPCG(s.seed, 2))
	d := newDatabase(s.seed, s.rows, s.keys)
	state := &stored{place: d.place, tables: map[string]offsets.TableSnapshot{"public.m": {OID: 7, Why: offsets.WhyInitial}}}
	to := &topic{state: map[int]modelRow{}, newest: map[int]int{}, known: map[int]string{}}
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		pace := rand.New(rand.NewPCG(s.seed, 3))
		for range s.writes {
			time.Sleep(time.Duration(pace.IntN(4)) * time.Millisecond)
			d.write()
		}
	}()
	for range s.crashes {
		live(d, state, to, random, s, time.Duration(random.IntN(60))*time.Millisecond)
	}
	<-writing
	time.Sleep(time.Second) // everything is visible
	live(d, state, to, random, s, 0)
	faults = to.faults
	if left := state.tables["public.m"]; left.Left() {
		faults = append(faults, fmt.Sprintf("the table is not read to its end: %+v", left))
	}
	for id, row := range d.rows {
		if got := to.state[id]; got.version != row.version || got.text != row.text {
			faults = append(faults, fmt.Sprintf("key %d is version %d %q in the topic, and %d %q in the table", id, got.version, got.text, row.version, row.text))
		}
	}
	for id := range to.state {
		if _, there := d.rows[id]; !there {
			faults = append(faults, fmt.Sprintf("key %d is in the topic only", id))
		}
	}
	return faults
}

// isTaken says whether a window has durably taken what lies at a slot of a chunk.
func isTaken(rest *offsets.ChunkRest, index, slot int) bool {
	if rest == nil || rest.Index != index {
		return false
	}
	from, err := strconv.Atoi(rest.Text)
	return err != nil || slot < from
}

// live is one life of the process: it ends after so long, at 0 when everything is read and delivered.
func live(d *database, state *stored, to *topic, random *rand.Rand, s script, dies time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	readings := snapshot.NewReadings(state.tables, nil)
	durable := state.tables["public.m"]
	model := &modelLive{d: d, fault: func(s string) { to.faults = append(to.faults, s) }, done: func(i, slot int) bool {
		return s.owed >= plenty && durable.Left() && (durable.Done.Has(i) || isTaken(durable.Rest, i, slot))
	}}
	c := &consumer{to: to, random: rand.New(rand.NewPCG(random.Uint64(), 4)), inRun: map[int]int{}}
	w := snapshot.NewWindows(c, model, readings, snapshot.WindowOptions{Bytes: s.bytes, Touched: 4096, Owed: s.owed})
	var both sync.WaitGroup
	both.Go(func() { _ = w.Run(ctx) })
	both.Go(func() { _ = d.stream(ctx, state.place, w) })
	deadline := time.Now().Add(dies)
	for i := 0; dies == 0 || time.Now().Before(deadline); i++ {
		time.Sleep(time.Duration(1+random.IntN(5)) * time.Millisecond)
		state.commit(c, readings)
		d.mu.Lock()
		place := d.place
		d.mu.Unlock()
		if dies == 0 && (readings.Left() == 0 && state.place > place || i > 5000) {
			break
		}
	}
	cancel()
	both.Wait()
}

// G1, G2, G6, P56, P67: whatever changes while a table is read in windows, however late a commit becomes
// visible, wherever the process dies: in the end the topic has every row whole, no window's row is older than
// what went out, and what is durable is not read again, unless more keys were owed than are kept.
func TestWindowsLoseNothingAndNeverGoBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := script{seed: rapid.Uint64().Draw(rt, "seed"), rows: rapid.IntRange(0, 60).Draw(rt, "rows"),
			bytes: rapid.SampledFrom([]int{1, 300, 1 << 20}).Draw(rt, "bytes"), writes: rapid.IntRange(0, 150).Draw(rt, "writes"),
			crashes: rapid.IntRange(0, 4).Draw(rt, "crashes"),
			owed:    rapid.SampledFrom([]int{1, 150, plenty}).Draw(rt, "owed")}
		s.keys = s.rows + rapid.IntRange(1, 20).Draw(rt, "more keys")
		var faults []string
		synctest.Test(t, func(*testing.T) { faults = play(s) })
		if len(faults) > 0 {
			rt.Fatalf("%+v: %v", s, faults[:min(len(faults), 5)])
		}
	})
}
