package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rdip/envelope"
	"rdip/internal/failpoint"
	"rdip/internal/fault"
	"rdip/snapshot"
)

// errFinished ends a task that was to read its tables and no more.
var errFinished = errors.New("every table is read, and snapshot.mode asks for no more")

// defaultWindow is how many bytes of rows a window holds, unless an eighth of the connector's memory is less.
const defaultWindow = 4 << 20

// keptPlan is a first snapshot whose plan is stored before its first chunk is read, so that a chunk keeps its
// meaning if the copy is cut off.
type keptPlan struct {
	snapshot.Source
	ledger *ledger
}

func (k keptPlan) Plan(ctx context.Context) ([]snapshot.TablePlan, error) {
	plan, err := k.Source.Plan(ctx)
	if err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.SnapshotExported)
	plan = slices.DeleteFunc(plan, func(p snapshot.TablePlan) bool { return k.ledger.task.Signals.Silences(p.Table) })
	return plan, k.ledger.planned(plan)
}

// loops runs functions until the function that it gives is called, which may be called again.
func loops(all ...func(over <-chan struct{})) (quit func()) {
	over := make(chan struct{})
	var running sync.WaitGroup
	for _, loop := range all {
		running.Go(func() { loop(over) })
	}
	return sync.OnceFunc(func() {
		close(over)
		running.Wait()
	})
}

// windows is the way of the stream through whatever is still read of the tables, and a channel that is closed
// once that reading has ended, after ctx. Where the tables are all that was asked for, it ends the stream.
func (r *run) windows(ctx context.Context, end context.CancelFunc, l *lane) (envelope.Handler, <-chan struct{}) {
	ended := make(chan struct{})
	live := r.reader.Live()
	if live == nil {
		close(ended)
		return l, ended
	}
	w := snapshot.NewWindows(l, live, r.ledger.readings, snapshot.WindowOptions{Bytes: r.task.windowBytes(), Touched: r.task.windowBytes(), Owed: r.owed(),
		Skip: r.tables.isStopped, Notice: r.task.remark, GaveUp: r.gaveUp, Hit: failpoint.Hit})
	var both sync.WaitGroup
	both.Go(func() { r.fails(w.Run(ctx)) })
	if r.task.SnapshotOnly {
		both.Go(func() { r.endWhenRead(ctx, end) })
	}
	go func() {
		both.Wait()
		close(ended)
	}()
	return w, ended
}

// mostOwedOnce is how many bytes of keys may be owed where they are in a record of the topic of positions, whose largest
// is 1 MiB as brokers come.
const mostOwedOnce = 256 << 10

// owed is the limit of owed keys; 0 is the windows' own.
func (r *run) owed() int {
	if r.exact == nil {
		return 0
	}
	return mostOwedOnce
}

func (r *run) fails(err error) {
	if err != nil {
		r.fail(err)
	}
}

// gaveUp ends a task that was to read its tables and no more, where one of them cannot be read.
func (r *run) gaveUp(err error) {
	if r.task.SnapshotOnly {
		r.fail(err)
	}
}

// lookForStops is how often a task that only reads looks whether what is left has stopped.
const lookForStops = time.Second

// endWhenRead ends the stream once nothing is left but tables that stopped.
func (r *run) endWhenRead(ctx context.Context, end context.CancelFunc) {
	look := time.NewTicker(lookForStops)
	defer look.Stop()
	for !r.isRead() {
		select {
		case <-r.ledger.readings.Finished():
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
	end()
}

// isRead says whether nothing is left to be read but tables that stopped.
func (r *run) isRead() bool {
	return !slices.ContainsFunc(r.ledger.readings.Underway(), func(id string) bool { return !r.tables.isStopped(id) })
}

// isFinished says whether the task has done all that was asked for and can be done.
func (r *run) isFinished() bool {
	return r.task.SnapshotOnly && r.work.Err() == nil && r.isRead()
}

// finished is how a task ends that has read its tables: not well where one of them stopped.
func (r *run) finished() error {
	var stopped []string
	for _, t := range r.tables.all() {
		if _, stop := t.shown(); stop != nil {
			stopped = append(stopped, t.id)
		}
	}
	if len(stopped) == 0 {
		return errFinished
	}
	return &fault.Error{Op: "read every table of", Object: "connector " + r.task.Name, Permanent: true,
		Cause: fmt.Errorf("%s stopped; every other table is read", strings.Join(stopped, ", ")),
		Hint:  "the log says why each of them stopped; when that is mended: rdip offsets reset " + r.task.Name + " --config FILE"}
}

func (t *Task) windowBytes() int {
	if t.WindowBytes > 0 {
		return t.WindowBytes
	}
	return max(int(min(defaultWindow, t.Memory/8)), 64<<10)
}

// mostRemarks is how many notices of readings the status shows.
const mostRemarks = 20

// remark is a notice of a table's reading: each in the log, and the newest in the status, so that a table that is
// begun anew for weeks takes no more memory.
func (t *Task) remark(text string) { t.warn("snapshot", mostRemarks, text) }

// cameLater says that tables of a connector were not captured before.
func cameLater(connector string, tables []string) []fault.Finding {
	var fs []fault.Finding
	for _, id := range tables {
		fs = append(fs, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "table " + id, Case: "P58",
			Seen: "it was not captured before, or is another table under its name",
			Need: "nothing: its rows are read while the log is streamed",
			Fix:  fmt.Sprintf("to leave them out: rdip snapshot %s %s --stop", connector, id)})
	}
	return fs
}

// missedChanges says that the source did not log tables for a while. What is read of them again shows no deletes.
func (t *Task) missedChanges(tables []string) []fault.Finding {
	var fs []fault.Finding
	for _, id := range tables {
		f := fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "table " + id, Case: "P58",
			Seen: "the source did not log it for a while since the last start: it was taken out of the publication and put back; changes of that time are in no log",
			Need: "nothing: its rows are read again while the log is streamed; of rows that were deleted meanwhile nothing tells",
			Fix:  fmt.Sprintf("to leave them: rdip snapshot %s %s --stop", t.Name, id)}
		if t.NoData {
			f.Need, f.Fix = "its rows, if they matter: snapshot.mode asks for none", fmt.Sprintf("rdip snapshot %s %s", t.Name, id)
		}
		fs = append(fs, f)
	}
	return fs
}
