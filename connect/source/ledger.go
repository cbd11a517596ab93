package source

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/schema"
	"rdip/sinks"
	"rdip/snapshot"
)

// ledger is a run's copy of the connector's durable record: each change is on disk before the call that
// made it returns. It is safe for concurrent use.
type ledger struct {
	task   *Task
	resume readers.Resume

	// readings is how far the snapshot of each table has come; what changes of it is stored with the record.
	readings *snapshot.Readings
	// signalled holds one notice that signals wait.
	signalled chan struct{}

	mu     sync.Mutex
	record offsets.Record
	// held are the tables that were stopped before this run and are captured again: each goes on from its
	// own place, until it has caught up with the record's position.
	held map[string]offsets.StoppedTable

	exact *transactor // nil where delivery is at least once
	// Guarded by mu; of exactly once.
	dirty bool              // the record is to be committed
	told  map[string]string // ids of topics that the topic of positions has
	// hiddenKeys are the tables of whose key a column is left out, masked, hashed or cut.
	hiddenKeys map[string]bool
	tx         Reached
}

// openLedger reads the record, and refuses one that was made with another Kafka cluster (K11).
func openLedger(ctx context.Context, t *Task, p sinks.Producer) (*ledger, error) {
	cluster, err := p.Identity(ctx)
	if err != nil {
		return nil, err
	}
	record, found, err := t.Store.Get(t.Name)
	if err != nil {
		return nil, err
	}
	if found && record.Cluster != "" && record.Cluster != cluster {
		return nil, &fault.Error{Kind: fault.PositionLost, Op: "resume connector", Object: t.Name, Permanent: true,
			Cause: fmt.Errorf("its position was stored for Kafka cluster %s, and bootstrap.servers leads to cluster %s, where the events before the position may not be", record.Cluster, cluster),
			Hint:  fmt.Sprintf("rdip offsets reset %s --config FILE to take a new snapshot into this cluster, or rdip offsets set %s --accept-cluster --config FILE if its topics hold the same events", t.Name, t.Name)}
	}
	record.Cluster = cluster
	if t.ExactlyOnce == nil { // from the next write on the file is the truth
		record.InTopic = record.InTopic || record.ExactlyOnce
		record.ExactlyOnce, record.ByHand = false, false
	}
	tables, err := t.Store.Tables(t.Name)
	if err != nil {
		return nil, err
	}
	return &ledger{task: t, record: record, readings: snapshot.NewReadings(tables, nil), signalled: make(chan struct{}, 1)}, nil
}

// stored is what the reader needs of the record, and where it keeps the identity.
func (g *ledger) stored(r readers.Reader) (readers.Stored, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, err := StoredOf(&g.record, r)
	s.Keep = g.keep
	return s, err
}

// StoredOf is what a reader needs of a record: the stream begins at the oldest place that a captured table has still to
// see. It has no Keep.
func StoredOf(record *offsets.Record, r readers.Reader) (readers.Stored, error) {
	s := readers.Stored{Identity: record.Identity, SnapshotDone: record.SnapshotDone, SnapshotBegan: !record.SnapshotStarted.IsZero()}
	text, place := record.Position, record.Place
	for _, stopped := range record.Stopped {
		if stopped.Position != "" && stopped.Place < place {
			text, place = stopped.Position, stopped.Place
		}
	}
	if text == "" {
		return s, nil
	}
	var err error
	s.Position, err = r.DecodePosition(text)
	return s, err
}

// keep keeps the source's identity before anything is made on it.
func (g *ledger) keep(identity string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.record.Identity = identity
	return g.put()
}

// opened keeps how the source was opened before anything is read from it, so that a snapshot which is cut
// off is known to be ours.
//
// captured are the tables as they are now: what is to be read of them follows from what is stored. added are
// those that came since the last start, missed those whose changes were not logged for a while since.
func (g *ledger) opened(resume readers.Resume, captured []*schema.Table) (added, missed []string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resume, g.hiddenKeys = resume, g.task.hiddenKeys(captured)
	terms := snapshot.Terms{Known: g.record.Tables, Done: g.record.SnapshotDone, NoData: g.task.NoData, Again: resume.Again, Logged: resume.Logged}
	g.record.Identity, g.record.Tables = resume.Identity, true
	if resume.Snapshot {
		g.begunAnew(captured)
		return nil, nil, g.putAnew()
	}
	added, missed = g.readings.Reconcile(captured, terms)
	g.forgetStops(captured)
	return added, missed, g.put()
}

// forgetStops forgets the tables that had stopped in their snapshots, or were given up, and are not captured any more:
// nothing would bring them back, and one that is captured again is read as one that came later. The caller holds mu.
func (g *ledger) forgetStops(captured []*schema.Table) {
	stopped := maps.Clone(g.record.Stopped)
	maps.DeleteFunc(stopped, func(id string, s offsets.StoppedTable) bool {
		return s.Position == "" && !slices.ContainsFunc(captured, func(t *schema.Table) bool { return t.ID() == id })
	})
	g.record.Stopped = stopped
}

// begunAnew: whatever was stored of positions and tables is void.
func (g *ledger) begunAnew(captured []*schema.Table) {
	g.record.SnapshotStarted, g.record.SnapshotDone = time.Now().UTC(), false
	g.record.SnapshotFinished = time.Time{}
	g.record.Stopped, g.record.Position, g.record.Place = nil, "", 0
	g.record.Signals.Place = 0
	all := map[string]offsets.TableSnapshot{}
	for _, t := range captured {
		all[t.ID()] = offsets.TableSnapshot{OID: t.OID, Why: offsets.WhyInitial, Asked: time.Now(), Logged: g.resume.Logged[t.ID()]}
	}
	g.readings.Add(all)
}

// planned keeps the plan of a first snapshot, before its first chunk is read.
func (g *ledger) planned(plan []snapshot.TablePlan) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readings.Planned(plan)
	return g.put()
}

// chunksDone keeps chunks of a first snapshot that Kafka has.
func (g *ledger) chunksDone(chunks []offsets.Chunk) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exact != nil {
		return g.putTopic()
	}
	return g.store(chunks, g.task.Store.PutTables)
}

// keep keeps what a person changed of the tables' snapshots.
func (g *ledger) keepTables() error { return g.chunksDone(nil) }

// snapshotDone keeps that the snapshot is complete and where the stream goes on.
func (g *ledger) snapshotDone(r readers.Reader, from offsets.Position, chunks []offsets.Chunk) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.record.SnapshotDone, g.record.SnapshotFinished = true, time.Now().UTC()
	g.record.Position, g.record.Place = r.EncodePosition(from), from.Place
	g.readings.Changed(chunks)
	g.readings.Finish()
	return g.put()
}

// begin keeps where a first stream begins, so that there is a durable position from its first row on.
func (g *ledger) begin(r readers.Reader, from offsets.Position) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.record.Position != "" {
		return nil
	}
	g.record.Position, g.record.Place = r.EncodePosition(from), from.Place
	if g.record.SnapshotStarted.IsZero() && !g.record.SnapshotDone && g.readings.Left() > 0 { // its first start was cut off before it could say so
		g.record.SnapshotStarted = time.Now().UTC()
	}
	return g.put()
}

// isComplete notes, once, that nothing is left of the first snapshot. The caller holds mu.
func (g *ledger) isComplete() {
	if g.record.SnapshotDone || g.record.Position == "" || g.readings.Left() > 0 {
		return
	}
	g.record.SnapshotDone = true
	if !g.record.SnapshotStarted.IsZero() {
		g.record.SnapshotFinished = time.Now().UTC()
	}
}

// resumeTables lets the tables that had stopped go on from their own places, all others from the record's;
// a table that stopped in its snapshot stays stopped, and so do others where only some were resumed.
func (g *ledger) resumeTables(ts *tables) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(g.record.Stopped) == 0 {
		return
	}
	ts.since = g.record.Place
	g.held = map[string]offsets.StoppedTable{}
	stay := g.task.stays()
	for id, s := range g.record.Stopped {
		t := ts.entry(id)
		t.mu.Lock()
		t.told.resumed(&s)
		if s.Position == "" || stay[id] {
			t.stopped = stoppedAs(s)
		} else {
			t.since = s.Place
			g.held[id] = s
		}
		t.mu.Unlock()
	}
}

// checkTopic refuses a topic that was deleted and made anew since the position was stored (K11).
func (g *ledger) checkTopic(topic sinks.Topic) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	known, ok := g.record.Topics[topic.Name]
	if ok && topic.ID != "" && known != topic.ID {
		return &fault.Error{Kind: fault.PositionLost, Op: "resume connector", Object: g.task.Name, Permanent: true,
			Cause: fmt.Errorf("topic %s has the id %s, and the position was stored for id %s: the topic was deleted and made anew, and the events before the position are gone from it", topic.Name, topic.ID, known),
			Hint:  fmt.Sprintf("rdip offsets reset %s --config FILE to take a new snapshot, or rdip offsets set %s --accept-cluster --config FILE to go on without the events", g.task.Name, g.task.Name)}
	}
	if !ok && topic.ID != "" {
		topics := map[string]string{topic.Name: topic.ID}
		maps.Copy(topics, g.record.Topics)
		g.record.Topics = topics
	}
	return nil
}

// stopTable keeps that a table stopped, and holds the source from now on at the newest place that is durable
// for it: not at the newer one at which it stopped, since rows of its own may be under way.
func (g *ledger) stopTable(id string, s *Stop) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !s.InSnapshot {
		place, position := g.record.Place, g.record.Position
		if held, ok := g.held[id]; ok {
			place, position = held.Place, held.Position
		}
		if s.Position == "" || s.Place < place {
			s.Place, s.Position = place, position
		}
		s.goesOn(g.held[id])
	}
	stopped := maps.Clone(g.record.Stopped)
	if stopped == nil {
		stopped = map[string]offsets.StoppedTable{}
	}
	stopped[id] = offsets.StoppedTable{Position: s.Position, Place: s.Place, Reason: s.Reason.Error(), Within: s.Within, Rows: s.Rows}
	g.record.Stopped = stopped
	delete(g.held, id)
	if g.exact != nil {
		g.later()
		return nil
	}
	return g.put()
}

// positions is a reader's way to write its positions and to read them back.
type positions interface {
	EncodePosition(p offsets.Position) string
	DecodePosition(text string) (offsets.Position, error)
}

// advance keeps that everything before p is delivered, and chunks that were, and says up to where the source may
// discard: the oldest position that some table still needs.
func (g *ledger) advance(p offsets.Position, chunks []offsets.Chunk, r positions) (offsets.Position, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reach(p, r)
	if err := g.store(chunks, g.task.Store.PutTables); err != nil {
		return offsets.Position{}, err
	}
	return g.discard(p, r)
}

// reach notes that everything before p is delivered, and says whether that is new. The caller holds mu.
func (g *ledger) reach(p offsets.Position, r positions) bool {
	was, catching := g.record.Position, len(g.held)
	if p.Place >= g.record.Place {
		g.record.Position, g.record.Place = r.EncodePosition(p), p.Place
	}
	g.caughtUp(p, r.EncodePosition)
	return g.record.Position != was || catching > 0
}

// discard is up to where the source may discard, once p is durable. The caller holds mu.
func (g *ledger) discard(p offsets.Position, r positions) (offsets.Position, error) {
	if s, ok := g.oldestStop(); ok && s.Place < p.Place {
		return r.DecodePosition(s.Position)
	}
	return p, nil
}

// caughtUp moves the tables that are catching up to p, and forgets those that have.
func (g *ledger) caughtUp(p offsets.Position, encode func(offsets.Position) string) {
	if len(g.held) == 0 {
		return
	}
	stopped := maps.Clone(g.record.Stopped)
	for id, s := range g.held {
		if p.Place >= g.record.Place {
			delete(stopped, id)
			delete(g.held, id)
			continue
		}
		if p.Place > s.Place {
			s.Place, s.Position = p.Place, encode(p)
			stopped[id], g.held[id] = s, s
		}
	}
	g.record.Stopped = stopped
}

// oldestStop is where the table goes on that stopped first; ok is false where none has.
func (g *ledger) oldestStop() (oldest offsets.StoppedTable, ok bool) {
	for _, s := range g.record.Stopped {
		if s.Position != "" && (!ok || s.Place < oldest.Place) {
			oldest, ok = s, true
		}
	}
	return oldest, ok
}

// put writes the record and what changed of the tables. The caller holds mu.
func (g *ledger) put() error {
	if g.exact != nil {
		return g.putTopic()
	}
	return g.store(nil, g.task.Store.PutTables)
}

// putAnew is put where earlier positions are void. The caller holds mu.
func (g *ledger) putAnew() error {
	if g.exact != nil {
		return g.putTopic()
	}
	return g.store(nil, g.task.Store.ReplaceTables)
}

// store takes up chunks that Kafka has and writes the record with the tables that changed, all or nothing. The
// caller holds mu.
func (g *ledger) store(chunks []offsets.Chunk, put func(string, offsets.Record, map[string]*offsets.TableSnapshot) error) error {
	changed, stored := g.readings.Changed(chunks)
	g.isComplete()
	if err := put(g.task.Name, g.record, changed); err != nil {
		return err
	}
	stored()
	return nil
}
