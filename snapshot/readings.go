package snapshot

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rdip/offsets"
	"rdip/schema"
)

// Readings is how far the reading of each of a connector's tables has come, and what of it is not stored yet.
// It is safe for concurrent use; it never stores anything itself: Changed hands out what is to be stored, with
// the position that it belongs to.
type Readings struct {
	mu     sync.Mutex
	tables map[string]*reading
	order  []string // the plan's
	clock  func() time.Time
	window uint64 // the number of the newest window
	old    []byte // of note, used again
	now    []byte
	// owing is at least how many bytes of keys are owed, of all tables; more are not kept than owingMost.
	owing, owingMost int

	set  atomic.Pointer[workSet] // the tables with work left, for the stream's goroutine
	wake chan struct{}           // holds one notice that there may be work, or none left
	end  chan struct{}           // closed once nothing was left
	once sync.Once
}

// reading is one table's. All but its id is guarded by Readings.mu.
type reading struct {
	id              string
	record          offsets.TableSnapshot
	version, stored uint64 // of record; it is to be stored where they differ

	table *schema.Table  // nil until planned in this run
	plan  *TablePlan     // nil until planned in this run
	rest  *Chunk         // of the chunk under way, what did not fit into a window
	sent  offsets.Ranges // chunks that went out and are not yet durable
	owed  owedKeys
	from  uint64 // the first window that counts: those before were of another plan
	// gathers: rows that the log gives in part become owed. False once every chunk has gone out.
	gathers bool
	byKey   bool // the newest window read owed keys
	// overrun: more was owed than is kept, so that the table is to be planned again.
	overrun bool
	// earlier are transactions that were in progress when the table began to be watched, and still are: they
	// may have been delivered before.
	earlier map[uint64]struct{}
	watched bool // earlier is known

	forgotten bool                    // it is not captured any more, and goes with the next write
	failed    error                   // why the table is not read on in this run, unless somebody resumes it
	interrupt context.CancelCauseFunc // ends what is being read of it now; nil where nothing is
	waiting   string                  // what its reading waits for, for people
	notBefore time.Time               // others are read first until then, and it is set back for so long
	pause     time.Duration
	older     []uint64 // Run's own: the transactions that a table without a key waits for; nil before it does
	bytes     int64    // read in this run
	began     time.Time
	out       int64 // rows of a table without a key that are under way
	before    int   // chunks that were done when this run began with it
	ahead     int64 // rows that went out in this run
}

// workSet is the tables with work left at one moment. It is immutable.
type workSet struct{ tables map[string]*watch }

// watch is one table of a workSet.
type watch struct {
	reading *reading
	counted bool // its transactions are to be known as delivered
}

// NewReadings holds what was stored. order is the order in which tables are read; those that it lacks come last.
func NewReadings(stored map[string]offsets.TableSnapshot, order []string) *Readings {
	s := &Readings{tables: map[string]*reading{}, order: order, owingMost: defaultOwed, clock: time.Now, wake: make(chan struct{}, 1), end: make(chan struct{})}
	for id, record := range stored {
		s.tables[id] = newReading(id, record)
		s.owing += s.tables[id].owed.cost()
	}
	s.publish()
	return s
}

func newReading(id string, record offsets.TableSnapshot) *reading {
	r := &reading{id: id, record: record, owed: owedKeys{}}
	r.record.Done = record.Done.Clone()
	r.gathers = !r.complete()
	for _, key := range record.Owed {
		r.owed[packKey(key)] = 0
	}
	return r
}

// complete says whether every chunk of the plan is done.
func (r *reading) complete() bool {
	return (r.record.Plan != "" || r.record.Chunks > 0) && r.record.Done.Len() >= r.record.Chunks
}

// left says whether something is still to be read or to be stored as read.
func (r *reading) left() bool { return r.record.Left() }

// changed notes that the record is to be stored.
func (r *reading) changed() { r.version++ }

// publish shows the stream's goroutine which tables have work left. The caller holds mu, or is alone.
func (s *Readings) publish() {
	set := &workSet{tables: map[string]*watch{}}
	for id, r := range s.tables {
		if r.left() {
			set.tables[id] = &watch{reading: r, counted: !r.record.Paused && r.failed == nil}
		}
	}
	was := s.set.Swap(set)
	if was != nil && len(was.tables) > 0 && len(set.tables) == 0 {
		s.once.Do(func() { close(s.end) })
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Finished is closed once nothing is left, or was not at some time since the start of the stream.
func (s *Readings) Finished() <-chan struct{} {
	if s.Left() == 0 {
		s.once.Do(func() { close(s.end) })
	}
	return s.end
}

// Left is how many tables are not read to their end.
func (s *Readings) Left() int { return len(s.set.Load().tables) }

// Add makes tables work: each under its id, with OID and reason. A table that is there already is begun anew.
func (s *Readings) Add(tables map[string]offsets.TableSnapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(tables)
}

func (s *Readings) add(tables map[string]offsets.TableSnapshot) {
	for id, record := range tables {
		r := newReading(id, record)
		if was := s.tables[id]; was != nil {
			was.leave()
			r.version, r.stored = was.version, was.stored
			r.record.Logged = cmp.Or(record.Logged, was.record.Logged)
		}
		r.from = s.window + 1
		r.changed()
		s.tables[id] = r
	}
	s.publish()
}

// drop forgets a table that is not captured any more, once that is stored.
func (s *Readings) drop(r *reading) {
	r.leave()
	*r = reading{id: r.id, version: r.version + 1, stored: r.stored, record: offsets.TableSnapshot{Finished: s.clock()}, forgotten: true}
}

// Planned notes the plan of a first snapshot, before its first chunk is read.
func (s *Readings) Planned(plan []TablePlan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = s.order[:0:0]
	for _, r := range s.tables { // what is not in the plan is not to be copied
		if !slices.ContainsFunc(plan, func(p TablePlan) bool { return p.Table.ID() == r.id }) && r.left() {
			r.finish(s.clock())
		}
	}
	for i := range plan {
		id := plan[i].Table.ID()
		s.order = append(s.order, id)
		r := s.tables[id]
		if r == nil {
			r = newReading(id, offsets.TableSnapshot{Why: offsets.WhyInitial, Asked: s.clock()})
			s.tables[id] = r
		}
		r.planned(&plan[i], s.clock())
		r.from = 0 // its chunks are no windows'
	}
	s.publish()
}

func (r *reading) planned(p *TablePlan, now time.Time) {
	r.record.OID, r.record.Plan, r.record.Chunks = p.Table.OID, p.Saved, len(p.Chunks)
	if r.record.Started.IsZero() {
		r.record.Started = now
	}
	r.changed()
}

// Finish counts tables as read to their end; all of them where none is named.
func (s *Readings) Finish(tables ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(tables) == 0 {
		tables = slices.Collect(maps.Keys(s.tables))
	}
	for _, id := range tables {
		if r := s.tables[id]; r != nil && r.left() {
			r.finish(s.clock())
		}
	}
	s.publish()
}

func (r *reading) finish(now time.Time) {
	r.record.Finished, r.record.Owed, r.record.Rest, r.record.Paused = now, nil, nil, false
	r.owed, r.plan, r.rest, r.gathers, r.overrun, r.waiting = owedKeys{}, nil, nil, false, false, ""
	r.out = 0
	r.changed()
}

// Changed takes up chunks that became durable, and gives every record that is not stored yet; nil is one to
// forget. stored is to be called once they are; until then the next Changed gives them again.
func (s *Readings) Changed(done []offsets.Chunk) (changed map[string]*offsets.TableSnapshot, stored func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range done {
		s.settle(&done[i])
	}
	versions := map[string]uint64{}
	for id, r := range s.tables {
		if r.version == r.stored {
			continue
		}
		if changed == nil {
			changed = map[string]*offsets.TableSnapshot{}
		}
		versions[id], changed[id] = r.version, r.image()
	}
	return changed, func() { s.wereStored(versions) }
}

func (s *Readings) wereStored(versions map[string]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, version := range versions {
		r := s.tables[id]
		if r == nil {
			continue
		}
		r.stored = version
		if r.forgotten && r.version == version {
			delete(s.tables, id)
		}
	}
}

// image is the record as it is to be stored.
func (r *reading) image() *offsets.TableSnapshot {
	if r.forgotten {
		return nil
	}
	record := r.record
	record.Done, record.Owed = r.record.Done.Clone(), r.owed.stored()
	return &record
}

// settle takes up one chunk, or part, that Kafka has.
func (s *Readings) settle(c *offsets.Chunk) {
	r := s.tables[c.Table]
	if r == nil || !r.left() || c.Window < r.from {
		return
	}
	r.record.Rows += c.Rows
	r.changed()
	if c.Rest != nil {
		r.record.Rest = c.Rest
	}
	if c.Index >= 0 {
		r.record.Done.Add(c.Index)
		if r.record.Rest != nil && r.record.Rest.Index == c.Index {
			r.record.Rest = nil
		}
	}
	r.owed.settle(c.Window)
	if c.Window > 0 && r.complete() && len(r.owed) == 0 && !r.gathers {
		r.finish(s.clock())
		s.publish()
	}
}

// pick is the table to go on with: those that were asked for by hand first, of these the one with the fewest parts left,
// so that a small one does not wait for a large one; then in the plan's order. Nil with a time is where all are set back
// for at least as long.
func (s *Readings) pick(skip func(table string) bool) (best *reading, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.tables {
		if !r.isOpen(skip) {
			continue
		}
		if left := r.notBefore.Sub(s.clock()); left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(s.rank(r), s.rank(best)), cmp.Compare(r.chunksLeft(), best.chunksLeft()), cmp.Compare(r.id, best.id)) < 0 {
			best = r
		}
	}
	return best, wait
}

// due says whether anything of the table is still to go out.
func (r *reading) due() bool {
	return r.plan == nil || r.gathers || r.overrun || r.owed.due() > 0
}

// chunksLeft is how many parts are not done yet; 0 before they are known.
func (r *reading) chunksLeft() int { return r.record.Chunks - r.record.Done.Len() }

// byHand says whether somebody asked for the table, and not the configuration.
func (r *reading) byHand() bool { return r.record.Why == offsets.WhyAsked && r.record.By != byMode }

// rank is the table's place in the order of the configuration, behind what was asked for by hand.
func (s *Readings) rank(r *reading) int {
	if r.byHand() {
		return -1
	}
	if i := slices.Index(s.order, r.id); i >= 0 {
		return i
	}
	return len(s.order)
}
