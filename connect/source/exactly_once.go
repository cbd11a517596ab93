package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rdip/connect/source/gate"
	"rdip/internal/failpoint"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
)

// ExactlyOnce is how a task delivers each change once to a reader of committed records. Nil in a Task: at least once.
type ExactlyOnce struct {
	Interval time.Duration // between two ends of Kafka transactions at least
	Bytes    int64         // of rows after which one ends sooner
	Timeout  time.Duration // transaction.timeout.ms, by which one has to have ended
	Form     OffsetForm
}

// OffsetForm is what a source's position is in the topic of positions, so that Debezium goes on from ours and we from
// its.
type OffsetForm interface {
	// Fields are Debezium's of a position, zero where there is none yet; id and micros (since 1970 UTC) are those of the
	// newest transaction before it, 0 where none was seen.
	Fields(p offsets.Position, id uint64, micros int64, snapshotDone bool) offsets.Fields
	// Position is the one of Debezium's fields, as text for the store. notice says what a person should know of it.
	Position(s *offsets.TopicState) (text string, place uint64, notice string, err error)
}

// Reached is the transaction that a position lies behind; zero where none was seen.
type Reached struct {
	ID     uint64
	Micros int64 // of its commit, since 1970 UTC
}

const (
	// betweenMoves is the time between two Kafka transactions that hold nothing but a position, so that the source
	// may discard its log while captured tables are idle.
	betweenMoves = 2 * time.Second
	// snapshotInterval is the least time between two ends of transactions in a first snapshot, and snapshotWait how
	// much longer than the lanes had to wait the last time it has to be: they read on for nine tenths of the time.
	snapshotInterval = time.Second
	snapshotWait     = 10
	// stillSends tells a source transaction that is too long from a Kafka or a registry that is away.
	stillSends = 20 // of transaction.timeout.ms
)

// transactor ends a run's Kafka transactions: it waits until no lane is inside a source transaction or a chunk, sends
// what they have gathered, and commits it together with the position that is reached and the chunks that are done.
type transactor struct {
	run      *run
	options  *ExactlyOnce
	producer sinks.TransactionalProducer
	topic    sinks.Topic // of positions
	gate     *gate.Gate
	turn     chan struct{} // one token: whoever ends a transaction holds it
	due      chan struct{} // holds one notice that something was sent
	full     chan struct{} // holds one notice that enough was sent
	moved    atomic.Bool   // a position was reached without anything sent

	took  atomic.Int64 // how long the newest commit took, in ns
	bytes atomic.Int64 // of the open transaction
	// By now, which no step of the wall's clock moves (D3).
	born     time.Time
	began    atomic.Int64 // when the open transaction had its first rows; 0 while it has none
	sentLast atomic.Int64 // when rows were sent last
	ending   atomic.Bool  // from when the end of a transaction is asked for until it is known

	mu    sync.Mutex
	lanes []*lane
	cache cache
}

func newTransactor(r *run, p sinks.TransactionalProducer, topic sinks.Topic) *transactor {
	return &transactor{run: r, options: r.task.ExactlyOnce, producer: p, topic: topic, gate: gate.New(), born: time.Now(),
		turn: make(chan struct{}, 1), due: make(chan struct{}, 1), full: make(chan struct{}, 1)}
}

// serve sets the lanes whose rows are committed.
func (x *transactor) serve(lanes ...*lane) {
	x.mu.Lock()
	x.lanes = lanes
	x.mu.Unlock()
}

// now is the time since born in ns, never 0. It goes by the monotonic clock, which stands still while the machine sleeps:
// what the brokers gave up meanwhile the producer says.
func (x *transactor) now() int64 { return int64(time.Since(x.born)) + 1 }

// since is how long ago a time was that now gave.
func (x *transactor) since(then int64) time.Duration { return time.Duration(x.now() - then) }

// sent notes that a batch went out.
func (x *transactor) sent(bytes int) {
	now := x.now()
	x.sentLast.Store(now)
	x.began.CompareAndSwap(0, now)
	if x.bytes.Add(int64(bytes)) >= x.options.Bytes {
		notify(x.full)
	}
	notify(x.due)
	failpoint.Hit(failpoint.TransactionOpen)
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// isOpen says whether rows were sent that no reader of committed records sees yet.
func (x *transactor) isOpen() bool { return x != nil && (x.ending.Load() || x.began.Load() != 0) }

// isEnding says whether the end of a transaction was asked for and is not known.
func (x *transactor) isEnding() bool { return x != nil && x.ending.Load() }

// commit ends the open transaction with all that is known now, and returns when it is visible and durable. Whoever
// calls it must not be inside the gate. Its error ends the run.
func (x *transactor) commit() error {
	ctx := x.run.work
	select {
	case x.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-x.turn }()
	if ctx.Err() != nil { // what the one before us had gathered, which may be our caller's, was not committed
		return context.Cause(ctx)
	}
	if err := x.gate.Shut(ctx); err != nil {
		return err
	}
	began := time.Now()
	out, err := x.gather()
	if err != nil || out == nil {
		x.gate.Open()
		return x.failed(err)
	}
	done := make(chan error, 1)
	if x.began.Load() == 0 { // nothing was under way until now
		x.run.acknowledgedNow()
	}
	x.ending.Store(true)
	defer x.ending.Store(false)
	failpoint.Hit(failpoint.Committing)
	err = x.producer.Commit(ctx, out.records, func(err error) { done <- err })
	x.bytes.Store(0)
	x.began.Store(0)
	x.gate.Open()
	if err == nil {
		select {
		case err = <-done:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		return x.failed(err)
	}
	x.run.acknowledgedNow()
	failpoint.Hit(failpoint.Committed)
	x.run.task.counts.committed(time.Since(began), out.newest)
	out.stored()
	x.keep(out)
	return nil
}

func (x *transactor) failed(err error) error {
	if err != nil {
		x.run.fail(err)
	}
	return err
}

// gather sends what the lanes have, and says what belongs to it. The gate is shut: the lanes are ours.
func (x *transactor) gather() (*outgoing, error) {
	x.mu.Lock()
	lanes := x.lanes
	x.mu.Unlock()
	var in reached
	for _, l := range lanes {
		if err := l.flushNow(); err != nil {
			return nil, err
		}
		l.reached.take(&in)
	}
	in.rows = x.began.Load() != 0
	x.moved.Store(false)
	return x.run.ledger.outgoing(in, x.run)
}

// loop ends transactions until quit: at the latest an interval after their first rows, at the soonest an interval after
// the one before, so that on a quiet source a row is visible at once.
func (x *transactor) loop(quit <-chan struct{}, interval func() time.Duration) {
	last := time.Now()
	for x.wait(quit, last, interval()) {
		began := time.Now()
		if err := x.commit(); err != nil {
			return
		}
		last = time.Now()
		x.took.Store(int64(last.Sub(began)))
	}
}

// wait returns true when a transaction is to be ended.
func (x *transactor) wait(quit <-chan struct{}, last time.Time, interval time.Duration) bool {
	move := time.NewTimer(betweenMoves)
	defer move.Stop()
	cache := time.NewTicker(max(x.run.task.FlushInterval, time.Millisecond))
	defer cache.Stop()
	for waiting := true; waiting; {
		select {
		case <-x.due:
			waiting = false
		case <-move.C:
			waiting = !x.moved.Load()
			move.Reset(betweenMoves)
		case <-cache.C:
			x.keepDue()
		case <-quit:
			return false
		}
	}
	if rest := interval - time.Since(last); rest > 0 {
		pause := time.NewTimer(rest)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-x.full:
		case <-quit:
			return false
		}
	}
	return true
}

// snapshotPause is the time between two ends in a first snapshot, whose lanes all wait for the slowest of them.
func (x *transactor) snapshotPause() time.Duration {
	took := time.Duration(x.took.Load())
	return min(max(x.options.Interval, snapshotInterval, snapshotWait*took), max(x.options.Timeout/8, x.options.Interval))
}

// watch fails the run when the open transaction is about to outlast the brokers' limit, until quit.
func (x *transactor) watch(quit <-chan struct{}) {
	limit := x.options.Timeout - x.options.Timeout/10
	look := time.NewTicker(max(x.options.Timeout/100, 10*time.Millisecond))
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-quit:
			return
		}
		began := x.began.Load()
		if began == 0 || x.since(began) < limit {
			continue
		}
		x.run.fail(x.outlasts())
		return
	}
}

// outlasts is why a transaction could not end in time. One that is still being sent is longer than the limit; where
// nothing was sent for a while something is away, which passes.
func (x *transactor) outlasts() error {
	idle := x.since(x.sentLast.Load())
	long := idle < max(x.options.Timeout/stillSends, time.Second)
	err := &fault.Error{Op: "commit a Kafka transaction of", Object: "connector " + x.run.task.Name, Permanent: long,
		Cause: fmt.Errorf("a transaction of the source, or a part of a snapshot, outlasts transaction.timeout.ms (%v): all of it has to be in one Kafka transaction", x.options.Timeout),
		Hint:  fmt.Sprintf("raise transaction.timeout.ms, now %d, at the brokers transaction.max.timeout.ms with it; or lower snapshot.chunk.bytes if it is a snapshot's part; or exactly.once.support: requested for the while", x.options.Timeout.Milliseconds())}
	if !long {
		err.Cause = fmt.Errorf("nothing could be sent for %v, and transaction.timeout.ms is %v", idle.Round(time.Second), x.options.Timeout)
		err.Hint = ""
	}
	return err
}

// start ends transactions and watches over them until the function that it gives is called, which may be called again.
func (x *transactor) start(interval func() time.Duration) (quit func()) {
	return loops(func(over <-chan struct{}) { x.loop(over, interval) }, x.watch)
}

// finish ends the last transaction of a stream, and keeps what it says; one that holds a part of a source transaction
// is left to be aborted.
func (x *transactor) finish() error {
	err := x.commit()
	if errors.Is(err, gate.ErrNotWhole) {
		return nil
	}
	x.keepNow()
	return err
}

// endAtBoundary returns a function that has the stream end once its lane is between two source transactions.
func (x *transactor) endAtBoundary(cancel context.CancelFunc) func() {
	return sync.OnceFunc(func() {
		x.gate.End(context.Canceled)
		work := x.run.work
		select {
		case x.turn <- struct{}{}:
			_ = x.gate.Shut(work) // with an error the run is over
			x.gate.Open()
			<-x.turn
		case <-work.Done():
		}
		cancel()
	})
}

// reached is what of a lane, or of all, goes into a transaction.
type reached struct {
	position offsets.Position // zero: as it was
	tx       Reached
	newest   int64 // commit time of the newest row, µs since 1970 UTC; 0 for none
	chunks   []offsets.Chunk
	rows     bool // something was sent
}

// take hands over what a lane has reached since the last time.
func (r *reached) take(to *reached) {
	if r.position.Place >= to.position.Place {
		to.position, to.tx = r.position, r.tx
	}
	to.newest = max(to.newest, r.newest)
	to.chunks = append(to.chunks, r.chunks...)
	r.newest, r.chunks = 0, nil
}

// outgoing is what one Kafka transaction says of positions.
type outgoing struct {
	records []sinks.Record
	record  offsets.Record
	tables  map[string]*offsets.TableSnapshot // those that changed
	stored  func()                            // the readings are told
	discard offsets.Position                  // up to where the source may discard; zero: as before
	chunks  bool
	newest  int64 // commit time of the newest row, µs since 1970 UTC; 0 for none
}
