package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"rdip/connect/source/budget"
	"rdip/connect/source/deadletter"
	"rdip/envelope"
	"rdip/internal/failpoint"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/schema"
	"rdip/sinks"
	"rdip/snapshot"
)

// run is one attempt of a task, from opening the reader to the first error. What it holds is given up with
// it: the next attempt begins at the durable position.
type run struct {
	task     *Task
	work     context.Context // ends with the first failure, or when a drain takes too long
	fail     context.CancelCauseFunc
	reader   readers.Reader
	producer sinks.Producer
	tables   *tables
	budget   *budget.Budget
	ledger   *ledger
	isOpen   atomic.Bool // reader, tables and ledger are there
	lastAck  atomic.Pointer[time.Time]
	exact    *transactor // nil where delivery is at least once
	again    again       // ends the stream between two transactions
	captures []string    // the captured tables, by schema.Table.ID, where the source tells them; set before isOpen
}

// sent is what a batch remembers of its sender until it is reported.
type sent struct {
	lane   *lane
	micros int64 // commit time of its newest row
}

var errDrain = errors.New("the stop's time limit passed before everything was acknowledged")

// once makes one attempt. stop asks it to drain.
func (t *Task) once(stop context.Context) error {
	work, fail := context.WithCancelCause(context.WithoutCancel(stop))
	defer fail(context.Canceled)
	release := context.AfterFunc(stop, func() {
		timer := time.AfterFunc(t.DrainTimeout, func() { fail(errDrain) })
		context.AfterFunc(work, func() { timer.Stop() })
	})
	defer release()
	r := &run{task: t, work: work, fail: fail, budget: budget.New(t.memory())}
	r.acknowledgedNow()
	err := r.open(stop)
	if err == nil {
		err = r.capture(stop)
	}
	return r.close(stop, err)
}

// open makes the producer and the reader, and reconciles the stored position with both.
func (r *run) open(stop context.Context) error {
	t := r.task
	t.enter(StateStarting, r)
	var err error
	if r.producer, err = t.NewProducer(r.acked); err != nil {
		return err
	}
	r.tables = newTables(t.naming(), r.producer)
	if r.reader, err = t.NewReader(); err != nil {
		return err
	}
	if r.ledger, err = openLedger(stop, t, r.producer); err != nil {
		return err
	}
	if t.ExactlyOnce != nil {
		if err := r.reader.Free(stop); err != nil { // restore ends whoever else writes under this name (D7)
			return err
		}
		if err := r.restore(stop); err != nil {
			return err
		}
	}
	r.tables.known = r.ledger.checkTopic
	stored, err := r.ledger.stored(r.reader)
	if err != nil {
		return err
	}
	judged, err := r.judge(stop)
	if err != nil {
		return err
	}
	resume, err := r.reader.Open(stop, stored)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.SlotCreated)
	resume.Notices = append(resume.Notices, judged...)
	resume.Notices = append(resume.Notices, r.mayWriteLetters()...)
	if err := r.reconcile(stop, resume); err != nil {
		return err
	}
	r.isOpen.Store(true)
	return nil
}

// reconcile keeps how the source was opened, and finds out what is to be read of its tables.
func (r *run) reconcile(ctx context.Context, resume readers.Resume) error {
	var captured []*schema.Table
	if live := r.reader.Live(); live != nil {
		var err error
		if captured, err = r.captured(ctx); err != nil {
			return err
		}
		r.captures = identifiers(captured)
	}
	added, missed, err := r.ledger.opened(resume, captured)
	if err != nil {
		return err
	}
	r.task.notice(slices.Concat(resume.Notices, cameLater(r.task.Name, added), r.task.missedChanges(missed)))
	return nil
}

// capture copies the snapshot if one is due, and follows the log.
func (r *run) capture(stop context.Context) error {
	resume := r.ledger.resume
	from := resume.From
	if resume.Snapshot {
		var err error
		if from, err = r.copy(stop); err != nil {
			return err
		}
	}
	if err := r.ledger.begin(r.reader, from); err != nil {
		return err
	}
	r.ledger.resumeTables(r.tables)
	if r.task.SnapshotOnly && r.ledger.readings.Left() == 0 {
		return r.finished()
	}
	r.task.enter(StateStreaming, r)
	return r.stream(stop, from)
}

// copy runs the first snapshot to its end: every row acknowledged, and the end of it on disk.
func (r *run) copy(stop context.Context) (offsets.Position, error) {
	t := r.task
	t.enter(StateSnapshot, r)
	began, progress := time.Now(), &snapshot.Progress{}
	t.setProgress(progress)
	ctx, cancel := r.until(stop)
	defer cancel()
	src := keptPlan{r.reader.Snapshot(), r.ledger}
	lanes := make([]*lane, max(1, t.SnapshotLanes))
	handlers := make([]envelope.Handler, len(lanes))
	for i := range lanes {
		lanes[i] = newLane(ctx, r, true)
		handlers[i] = lanes[i]
	}
	quit := r.keepChunks(lanes)
	defer quit()
	if err := r.copyAll()(ctx, src, handlers, progress, r.fail); err != nil {
		return offsets.Position{}, r.cause(err)
	}
	for _, l := range lanes {
		if err := l.Flush(); err != nil {
			return offsets.Position{}, r.cause(err)
		}
	}
	if err := drained(ctx, lanes...); err != nil {
		return offsets.Position{}, r.cause(err)
	}
	quit()
	if r.exact != nil { // the last chunks
		if err := r.exact.commit(); err != nil {
			return offsets.Position{}, r.cause(err)
		}
	}
	from := src.Position()
	failpoint.Hit(failpoint.SnapshotCopied)
	if err := r.keepSnapshot(ctx, from, lanes); err != nil {
		return offsets.Position{}, r.cause(err)
	}
	failpoint.Hit(failpoint.SnapshotMarked)
	report := progress.Report()
	t.Log.Info("the snapshot is finished", "tables", len(report.Tables), "rows", report.Rows, "took", time.Since(began).Round(time.Millisecond))
	return from, src.Close(ctx)
}

// keepSnapshot writes down that the snapshot is complete. A disk that is full for a while is no reason to copy
// everything again (O4).
func (r *run) keepSnapshot(ctx context.Context, from offsets.Position, lanes []*lane) error {
	if r.exact != nil {
		return r.ledger.snapshotDone(r.reader, from, nil)
	}
	done := false
	err := r.storeAgain(ctx.Done(), func() error {
		var chunks []offsets.Chunk
		for _, l := range lanes {
			chunks = append(chunks, l.tracker.TakeChunks()...)
		}
		err := r.ledger.snapshotDone(r.reader, from, chunks)
		done = err == nil
		return err
	})
	if err == nil && !done {
		return context.Cause(ctx)
	}
	return err
}

// stream follows the log until stop asks for a drain or something fails.
func (r *run) stream(stop context.Context, from offsets.Position) error {
	ctx, cancel, end := r.untilBoundary(stop)
	defer cancel()
	l := newLane(r.work, r, false)
	quit := r.keepPositions(l)
	defer quit()
	through, reading := r.windows(ctx, end, l)
	acting := r.followSignals(ctx)
	watching := r.watchStopped(ctx)
	r.again.of(cancel)
	err := r.reader.Stream(ctx, from, through)
	cancel()
	if r.exact != nil && l.inside {
		r.exact.gate.Lose()
	}
	<-reading
	<-acting
	<-watching
	finished, again := r.isFinished(), r.again.ended(r.work, err)
	if stop.Err() != nil || finished || again {
		err = r.drain(l)
	}
	quit()
	// What was acknowledged is kept in any case: the next run repeats less.
	if commitErr := r.keepLast(l); err == nil {
		err = commitErr
	}
	if err == nil && finished {
		if err = r.ledger.keepTables(); err == nil { // also what nothing was acknowledged for, such as a table without rows
			return r.finished()
		}
	}
	if err == nil && again && stop.Err() == nil {
		err = errAgain
	}
	return r.cause(err)
}

// drain sends the whole transactions that were read and waits until they are acknowledged.
func (r *run) drain(l *lane) error {
	failpoint.Hit(failpoint.Draining)
	if r.exact != nil { // the last transaction sends it, or is aborted
		return nil
	}
	l.takeBack()
	if err := l.Flush(); err != nil {
		return err
	}
	return drained(r.work, l)
}

// until is a context that ends with the run's work and, without waiting for the drain, with stop.
func (r *run) until(stop context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(r.work)
	release := context.AfterFunc(stop, func() { cancel(context.Canceled) })
	return ctx, func() {
		release()
		cancel(context.Canceled)
	}
}

// cause is why the work ended, where that is more than err says.
func (r *run) cause(err error) error {
	if cause := context.Cause(r.work); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// drained waits until every batch of the lanes is acknowledged.
func drained(ctx context.Context, lanes ...*lane) error {
	for _, l := range lanes {
		for l.tracker.Outstanding() > 0 {
			select {
			case <-l.acks:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// acked is the producer's report of one batch, from any goroutine.
func (r *run) acked(b *sinks.Batch, err error) {
	from := b.Owner.(*sent)
	if err != nil {
		r.fail(err)
		return
	}
	r.task.counts.acknowledged(len(b.Records), len(b.Arena))
	if !from.lane.snapshot && r.exact == nil { // rows of a snapshot have no commit to be late after
		r.task.counts.late(from.micros)
	}
	r.acknowledgedNow()
	token := b.Token
	r.budget.Put(b, true)
	if err := from.lane.tracker.Ack(token); err != nil {
		r.fail(&fault.Error{Op: "acknowledge a batch", Cause: err, Permanent: true, Hint: "this is a bug in rdip: please report it"})
		return
	}
	if from.lane.tracker.Outstanding() > 0 {
		failpoint.Hit(failpoint.SomeAcks)
	}
	select {
	case from.lane.acks <- struct{}{}:
	default:
	}
}

// stopTable gives one table up and says so, on disk first: from now on the source is held at its place.
func (r *run) stopTable(t *table, s *Stop) error {
	if err := r.ledger.stopTable(t.id, s); err != nil {
		return err
	}
	t.mu.Lock()
	t.stopped = s
	t.mu.Unlock()
	r.task.Log.Error("table stopped; the other tables go on", deadletter.WithSchemas(s.Reason, "table", t.id, "error", s.Reason, "then", s.Then(r.task.Name, t.id))...)
	return nil
}

// close ends the attempt: it lets the producer report what is under way, and the reader go.
func (r *run) close(stop context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), r.task.DrainTimeout)
	defer cancel()
	if err != nil {
		r.fail(err) // whatever still waits, ends
	}
	if r.producer != nil {
		if closeErr := r.producer.Close(ctx); closeErr != nil && err == nil {
			err = closeErr
		}
	}
	if r.reader != nil {
		if closeErr := r.reader.Close(ctx); closeErr != nil {
			r.task.Log.Warn("closing the reader", "error", closeErr)
		}
	}
	if stop.Err() == nil || err == nil {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, errAgain) { // a start or a snapshot was cut off: the next start begins it again
		return nil
	}
	return &fault.Error{Kind: fault.NotDrained, Op: "stop connector", Object: r.task.Name,
		Cause: fmt.Errorf("not everything that was read was delivered; the next start reads it again: %w", err)}
}

// acknowledgedNow notes the moment, once a batch; its monotonic reading is what readiness goes by (D3).
func (r *run) acknowledgedNow() {
	now := time.Now()
	r.lastAck.Store(&now)
}
