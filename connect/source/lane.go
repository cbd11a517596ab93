package source

import (
	"context"

	"rdip/connect/source/budget"
	"rdip/connect/source/deadletter"
	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/internal/failpoint"
	"rdip/internal/fault"
	"rdip/offsets"
)

// lane is the way of one stream, or of one snapshot connection, to the producer: it encodes rows into a
// batch, and sends the batch on when it is full or the reader waits. It serves one goroutine; only acked is
// called from others.
type lane struct {
	ctx      context.Context // the lane's own: ends what blocks in it
	run      *run
	tracker  *offsets.Tracker
	acks     chan struct{} // holds one notice that a batch was acknowledged
	snapshot bool

	own       *ownTopics // nil in a snapshot's lane
	letters   deadLetters
	ended     uint64 // the place behind the last commit
	undone    undone
	tx        envelope.Transaction
	encodings map[*envelope.Layout]*encoding
	layout    *envelope.Layout // of current
	current   *encoding

	batch   records.Batch
	last    offsets.Position
	chunks  []offsets.Chunk
	counted tally

	inside  bool    // the gate: in a source transaction or a chunk
	entered int     // records at that moment
	records int     // of batches that were sent
	reached reached // what goes into the next Kafka transaction; see flushNow for whose it is

	confirmed offsets.Position // the newest position that is durable; the committer's own
}

func newLane(ctx context.Context, r *run, snapshot bool) *lane {
	l := &lane{ctx: ctx, run: r, tracker: offsets.NewTracker(), acks: make(chan struct{}, 1), snapshot: snapshot,
		encodings: map[*envelope.Layout]*encoding{}}
	if !snapshot {
		l.own = newOwnTopics(r)
	}
	return l
}

func (l *lane) Begin(tx *envelope.Transaction) error {
	if !l.snapshot {
		if err := l.run.again.begins(); err != nil {
			return err
		}
	}
	if !l.snapshot { // a snapshot's lane begins once: it enters at each chunk
		failpoint.Hit(failpoint.Received)
		if err := l.enterAnew(); err != nil {
			return err
		}
	}
	l.tx = *tx
	l.undone.begins(l.batch.Count())
	if l.own != nil && l.own.transactions != nil {
		l.own.transactions.Reset()
	}
	return nil
}

// Table makes the encoding of a layout. Layouts that are no longer announced are forgotten with their table.
func (l *lane) Table(layout *envelope.Layout) error {
	if l.snapshot {
		if err := l.enter(); err != nil {
			return err
		}
	}
	if x, known := l.encodings[layout]; known && !x.stopped {
		return nil
	}
	signals := l.run.task.Signals.Table != "" && layout.Table.ID() == l.run.task.Signals.Table
	if l.run.task.Signals.Silences(layout.Table) {
		l.silent(layout)
		return nil
	}
	t, err := l.run.tables.get(l.ctx, layout.Table)
	shown := layout
	if err == nil {
		shown, err = l.run.task.shown(layout, t)
	}
	if err != nil && l.givesUp(err) {
		err = l.run.stopTable(t, l.stopOf(t, err))
	}
	if err != nil {
		return err
	}
	l.forget(layout)
	t.mu.Lock()
	since, stopped := t.since, t.stopped != nil
	t.mu.Unlock()
	x := newEncoding(shown, t, l.run.task)
	x.since, x.stopped, x.signals = since, stopped, signals
	l.encodings[layout] = x
	l.layout, l.current = nil, nil
	return nil
}

// forget drops the layouts of the table that are no longer announced.
func (l *lane) forget(layout *envelope.Layout) {
	for old := range l.encodings {
		if old.Table.ID() == layout.Table.ID() { // of this table, or of one before it under its name (P18)
			delete(l.encodings, old)
		}
	}
}

func (l *lane) Row(e *envelope.Event) error {
	if e.Layout != l.layout {
		if err := l.change(e.Layout); err != nil {
			return err
		}
	}
	x := l.current
	if x.signals && !l.snapshot {
		l.signal(e)
	}
	if !l.wasDelivered(x) {
		return l.row(x, e)
	}
	if l.run.task.Skipped.has(e.Op) || l.run.task.skips(x, e) {
		return nil
	}
	return l.passOver(x, e, false)
}

// row writes one row, which is counted.
func (l *lane) row(x *encoding, e *envelope.Event) error {
	if x.silent || l.run.task.Skipped.has(e.Op) || l.run.task.skips(x, e) {
		return nil
	}
	if before := l.tx.Place < x.since; before || x.stopped {
		return l.passOver(x, e, !before)
	}
	if x.refusal != nil {
		return l.undelivered(x, e, x.refusal, deadletter.ReasonSchema)
	}
	if !x.ready {
		return l.firstRow(x, e)
	}
	if l.numbers(e) {
		if err := l.prepare(&l.own.transactions.Topic); err != nil {
			return err
		}
	}
	if err := l.room(); err != nil {
		return err
	}
	if err := l.write(x, e); err != nil {
		return l.refused(x, e, err)
	}
	if l.isFull() {
		if err := l.send(); err != nil {
			return err
		}
	}
	l.hit()
	return nil
}

// Refuse stops the table of a change that the reader could not hand over, or makes a dead letter of what is known of it,
// unless what comes is older than the table's own place.
func (l *lane) Refuse(layout *envelope.Layout, known envelope.Row, why error) error {
	if err := l.change(layout); err != nil {
		return err
	}
	switch x := l.current; {
	case l.wasDelivered(x) || x.silent || l.tx.Place < x.since:
		return nil
	case x.stopped:
		return l.passRefused(x)
	default:
		return l.refusedUnread(x, known, why)
	}
}

// change makes the encoding of another layout current.
func (l *lane) change(layout *envelope.Layout) error {
	x := l.encodings[layout]
	if x == nil {
		return &fault.Error{Op: "route a row of", Object: layout.Table.ID(), Permanent: true,
			Cause: errNotAnnounced, Hint: "this is a bug in rdip: please report it"}
	}
	l.layout, l.current = layout, x
	return nil
}

// firstRow registers the schemas of an encoding and writes its first row.
func (l *lane) firstRow(x *encoding, e *envelope.Event) error {
	if err := l.Flush(); err != nil { // the registry may be away for long: what is gathered goes first
		return err
	}
	if err := x.register(l); err != nil {
		return l.refusedSchema(x, e, err)
	}
	failpoint.Hit(failpoint.SchemaIDs)
	return l.row(x, e)
}

// refused decides what becomes of a row that could not be written, or that its topic will never take: it is
// tried again under a schema that allows its NULL, or its table stops. What fails between the lane and Kafka
// is never a row's fault and does not come here: it ends the run.
func (l *lane) refused(x *encoding, e *envelope.Event, err error) error {
	if column, ok := nullInNotNull(err); ok {
		relaxed := x.relaxed(column, l.run.task)
		l.encodings[l.layout] = relaxed
		l.current = relaxed
		return l.row(relaxed, e)
	}
	if u := records.AsUnrouted(err); u != nil {
		return l.openRoute(x, u, e)
	}
	if stopsTable(err) {
		return l.undelivered(x, e, err, deadletter.ReasonOf(err))
	}
	return err
}

// givesUp says whether what Kafka or the registry answered for one table stops that table alone. A position
// that is lost is the connector's. In a snapshot so is a server that is not set up for the work: a table that
// stops there comes back with a new snapshot only, and the next start, once that is mended, takes it anyway.
func (l *lane) givesUp(err error) bool {
	kind := fault.KindOf(err)
	switch {
	case l.ctx.Err() != nil || !fault.IsPermanent(err) || kind == fault.PositionLost:
		return false
	default:
		return !l.snapshot || kind == fault.Runtime
	}
}

// stop gives one table up while the others go on.
func (l *lane) stop(x *encoding, reason error) error {
	x.stopped = true
	return l.run.stopTable(x.table, l.stopAt(x.table, reason))
}

// room makes sure that there is a batch.
func (l *lane) room() error {
	if l.batch.IsOpen() {
		return nil
	}
	batch, err := l.run.budget.Take(l.ctx)
	if err != nil {
		return err
	}
	l.batch.Open(batch)
	return nil
}

// isFull says whether the batch may not hold another event.
func (l *lane) isFull() bool {
	return l.batch.Size() >= budget.ArenaBytes-budget.ArenaBytes/16 || len(l.batch.Records) >= budget.ArenaRecords-4
}

// Commit closes a transaction, or a chunk of a snapshot.
func (l *lane) Commit(d offsets.Durable) error {
	if d.Chunk != nil {
		l.undone.ends()
		if err := l.commitChunk(*d.Chunk); err != nil {
			return err
		}
		l.leave()
		return l.boundary()
	}
	if err := l.closing(d.Position.Place); err != nil {
		return err
	}
	l.undone.ends()
	if !l.batch.IsOpen() {
		l.tracker.Mark(d.Position)
	} else {
		l.last = d.Position
	}
	l.reach(d.Position)
	l.leave()
	return l.boundary()
}

// boundary is a place between two transactions, where a stream that is asked to ends.
func (l *lane) boundary() error {
	if l.snapshot {
		return nil
	}
	return l.run.again.ends()
}

func (l *lane) commitChunk(c offsets.Chunk) error {
	if c.Window > 0 && l.run.tables.isStopped(c.Table) {
		return l.Flush() // its rows did not all go out: it is read again once the table is back
	}
	if l.run.exact != nil {
		l.reached.chunks = append(l.reached.chunks, c)
		return l.Flush()
	}
	if !l.batch.IsOpen() {
		l.tracker.MarkChunk(c)
		return nil
	}
	l.chunks = append(l.chunks, c)
	return l.Flush()
}

// Idle says that the source is at p with nothing in flight.
func (l *lane) Idle(p offsets.Position) error {
	if err := l.enter(); err != nil {
		return err
	}
	if err := l.idle(p); err != nil {
		return err
	}
	l.leave()
	return l.boundary()
}

func (l *lane) idle(p offsets.Position) error {
	if l.own != nil && l.own.heartbeats != nil {
		if err := l.beat(); err != nil {
			return err
		}
	}
	if err := l.Flush(); err != nil {
		return err
	}
	l.tracker.Mark(p)
	l.reach(p)
	return nil
}

// Flush sends what is gathered.
func (l *lane) Flush() error {
	within := l.inside
	if err := l.enter(); err != nil {
		return err
	}
	err := l.flushNow()
	if !within && err == nil {
		l.leave()
	}
	return err
}

// flushNow is Flush by whoever has the lane: its own goroutine inside the gate, or who has shut it.
func (l *lane) flushNow() error {
	if !l.batch.IsOpen() {
		return nil
	}
	return l.send()
}

// send seals the batch and gives it to the producer.
func (l *lane) send() error {
	batch := l.batch.Batch
	if err := l.run.budget.Grown(l.ctx, batch); err != nil {
		return err
	}
	batch.Token, batch.Owner = l.tracker.Open(), &sent{lane: l, micros: l.tx.Micros}
	if err := l.tracker.Seal(batch.Token, l.last, l.chunks); err != nil {
		return err
	}
	l.batch.Seal()
	l.chunks, l.last = l.chunks[:0], offsets.Position{}
	l.undone.sent()
	l.counted.publish()
	l.records += len(batch.Records)
	if l.run.budget.Sent() {
		l.run.acknowledgedNow() // nothing was owed until now
	}
	bytes := len(batch.Arena) + batch.Beside
	err := l.run.producer.Send(l.ctx, batch)
	failpoint.Hit(failpoint.Produced)
	if err == nil && l.run.exact != nil {
		l.run.exact.sent(bytes)
	}
	return err
}

// hit names the crash points of an encoded row.
func (l *lane) hit() {
	if l.snapshot {
		failpoint.Hit(failpoint.MidChunk)
		return
	}
	failpoint.Hit(failpoint.MidTransaction)
}
