package snapshot

import (
	"context"
	"errors"
	"sync/atomic"

	"rdip/envelope"
	"rdip/offsets"
)

// WindowOptions of Windows.
type WindowOptions struct {
	Bytes   int                     // of rows that a window holds; 4 MiB where 0
	Touched int                     // bytes of keys that the log touches in a window; 4 MiB where 0
	Owed    int                     // bytes of keys whose rows the log gave in part; 4 MiB where 0
	Skip    func(table string) bool // tables not to be read now, such as one that was stopped; may be nil
	Notice  func(text string)       // what a person should know; may be nil
	GaveUp  func(err error)         // a table cannot be read; may be nil
	Hit     func(point string)      // names crash points; may be nil
}

// The crash points of a window, for WindowOptions.Hit.
const (
	PointOpened  = "window-opened"  // its view was taken
	PointRead    = "window-read"    // its rows are in memory, and its high mark is in the log
	PointEmitted = "window-emitted" // its rows went to the producer
)

const defaultWindowBytes = 4 << 20

// Windows reads what is left of tables while their log is streamed. It is the Handler of the stream, and hands
// everything on to the one it wraps, which it also hands the rows of a window when the stream has come to the
// window's end. In between it notes what the log does to the table that is being read. Run reads; it runs
// beside the stream.
//
// A window is right for this reason. Its rows are as of its view. A row that a transaction has touched which
// the view does not see is older than the transaction's: it is dropped where the transaction was handed on
// before the rows, and noted, as every one is that began after the window was armed; of those before, a view is
// taken that sees them all (P67). And what the view does see was committed before the high mark, so that the
// stream has handed it on when the rows go out: no older event follows them.
type Windows struct {
	next     envelope.Handler
	live     Live
	readings *Readings
	o        WindowOptions

	delivered delivered
	armed     atomic.Pointer[window] // being read, or waiting for the stream
	exact     atomic.Pointer[exact]  // a table without a key, waiting for the stream
	place     atomic.Uint64          // the stream has come so far

	// The stream's goroutine's own.
	on      bool     // there is work left
	set     *workSet // as of the newest boundary
	layouts map[string]*envelope.Layout
	tx      envelope.Transaction
	known   bool    // tx is in delivered
	window  *window // that was armed when tx began
	layout  *envelope.Layout
	watch   *watch // of layout; nil where nothing is left to be read of it

	lane LiveLane // Run's own; nil where none is open
	buf  *buffer
	log  *touched
}

// NewWindows reads what readings has left, with ctx ending whatever the stream's goroutine waits for.
func NewWindows(next envelope.Handler, live Live, readings *Readings, o WindowOptions) *Windows {
	if o.Bytes <= 0 {
		o.Bytes = defaultWindowBytes
	}
	if o.Touched <= 0 {
		o.Touched = defaultWindowBytes
	}
	if o.Owed > 0 {
		readings.owingMost = o.Owed
	}
	w := &Windows{next: next, live: live, readings: readings, o: o, layouts: map[string]*envelope.Layout{},
		buf: newBuffer(o.Bytes), log: newTouched(o.Touched)}
	w.set = readings.set.Load()
	w.on = len(w.set.tables) > 0
	return w
}

// Begin opens a transaction.
func (w *Windows) Begin(tx *envelope.Transaction) error {
	if err := w.refresh(); err != nil {
		return err
	}
	if !w.on {
		return w.next.Begin(tx)
	}
	if err := w.reach(tx.Place); err != nil {
		return err
	}
	w.tx, w.known, w.window = *tx, false, w.armed.Load()
	return w.next.Begin(tx)
}

// Table notes the layout, so that it can be announced again behind a window's.
func (w *Windows) Table(l *envelope.Layout) error {
	w.layouts[l.Table.ID()] = l
	return w.next.Table(l)
}

// Row notes what it does to a table that is being read.
func (w *Windows) Row(e *envelope.Event) error {
	if w.on {
		w.note(e)
	}
	return w.next.Row(e)
}

// Refuse passes on that there is a change that was not read.
func (w *Windows) Refuse(l *envelope.Layout, known envelope.Row, reason error) error {
	return w.next.Refuse(l, known, reason)
}

// Message passes a message on.
func (w *Windows) Message(m *envelope.Message) error { return w.next.Message(m) }

// Flush passes on that the reader waits.
func (w *Windows) Flush() error { return w.next.Flush() }

// Commit closes a transaction; at its end a window may go out.
func (w *Windows) Commit(d offsets.Durable) error {
	if err := w.next.Commit(d); err != nil {
		return err
	}
	return w.boundary(d.Position.Place)
}

// Idle is a boundary too.
func (w *Windows) Idle(p offsets.Position) error {
	if err := w.next.Idle(p); err != nil {
		return err
	}
	return w.boundary(p.Place)
}

// refresh takes up what has work left now. The layout of a table that comes is announced again: it may have
// been stopped, and is not any more.
func (w *Windows) refresh() error {
	set, was := w.readings.set.Load(), w.set
	if set == was {
		return nil
	}
	w.set, w.layout, w.watch = set, nil, nil
	w.on = len(set.tables) > 0
	for id, now := range set.tables {
		before := was.tables[id]
		if l := w.layouts[id]; l != nil && (before == nil || before.reading != now.reading) {
			if err := w.next.Table(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundary is between two transactions: everything before place was handed on.
func (w *Windows) boundary(place uint64) error {
	if err := w.refresh(); err != nil {
		return err
	}
	if !w.on && w.armed.Load() == nil && w.exact.Load() == nil {
		return nil
	}
	w.place.Store(place)
	if err := w.reach(place); err != nil {
		return err
	}
	win := w.armed.Load()
	if win == nil || !win.closes(place) {
		return nil
	}
	return w.end(win)
}

// note records what a row does to a table with work left. It allocates nothing but for a key that becomes owed.
func (w *Windows) note(e *envelope.Event) {
	if e.Layout != w.layout {
		w.layout, w.watch = e.Layout, w.set.tables[e.Layout.Table.ID()]
	}
	if w.watch == nil {
		return
	}
	if !w.known && w.watch.counted {
		w.known = true
		if !w.delivered.add(w.tx.ID, w.tx.Place, w.window) {
			w.window.touched.full = true
		}
	}
	if w.window != nil && w.window.reading == w.watch.reading {
		w.window.touched.record(&w.tx, e)
	}
	if e.Layout.Table.HasKey() {
		w.readings.note(w.watch.reading, e)
	}
}

// end hands the rows of a window on, or says that it is to be taken again.
func (w *Windows) end(win *window) error {
	outcome, err := w.close(win)
	w.armed.Store(nil)
	win.done <- outcome
	return err
}

// close decides about a window that the stream has come to the end of.
func (w *Windows) close(win *window) (outcome, error) {
	if !w.watches(win.reading) { // it was finished or stopped meanwhile, and not noted since
		return outcome{sent: true}, nil
	}
	if win.failed {
		return outcome{}, nil
	}
	t := win.touched
	if t.full {
		return outcome{retake: true, overflowed: true}, nil
	}
	if id, ok := w.delivered.unseen(win.view); ok || w.delivered.hasForgotten(false) {
		return outcome{retake: true, blocker: id}, nil
	}
	if t.moved || t.layout != nil && len(win.buffer.layouts) > 0 && !sameKey(t.layout, win.buffer.layouts[0]) {
		return outcome{replan: true}, nil
	}
	if err := w.emit(win); err != nil {
		return outcome{}, err
	}
	return outcome{sent: true}, nil
}

// watches says whether everything that was handed on up to this boundary was noted for a reading.
func (w *Windows) watches(r *reading) bool {
	now := w.set.tables[r.id]
	return now != nil && now.reading == r
}

// emit hands on the rows of a window that no transaction has touched behind its view.
func (w *Windows) emit(win *window) error {
	gone, all := win.touched.unseen(win.view)
	tx := win.view.Transaction()
	tx.Place = win.high.Load()
	if err := w.next.Begin(&tx); err != nil {
		return err
	}
	var sent int64
	var layout = -1
	for _, r := range win.buffer.rows {
		if _, touched := gone[string(win.buffer.keyOf(r))]; touched || all {
			continue
		}
		if r.layout != layout {
			layout = r.layout
			if err := w.next.Table(win.buffer.layouts[layout]); err != nil {
				return err
			}
		}
		if err := w.emitRow(win, r); err != nil {
			return err
		}
		if r.refused == nil {
			sent++
		}
	}
	done := &offsets.Chunk{Table: win.reading.id, Index: -1, Rows: sent, Window: win.number}
	switch {
	case win.last:
		done.Index = win.chunk.Index
	case win.chunk.Index >= 0:
		done.Rest = &offsets.ChunkRest{Index: win.chunk.Index, Text: win.rest.Rest, Keys: win.rest.RestHasKeys}
	}
	w.readings.sent(win, gone, all, sent) // first: what is committed may be durable at once
	if err := w.next.Commit(offsets.Durable{Chunk: done}); err != nil {
		return err
	}
	w.hit(PointEmitted)
	return w.announceAgain(win.reading.id, layout >= 0)
}

func (w *Windows) emitRow(win *window, r bufferedRow) error {
	if r.refused != nil {
		return w.next.Refuse(win.buffer.layouts[r.layout], win.buffer.eventOf(r).After, r.refused)
	}
	return w.next.Row(win.buffer.eventOf(r))
}

// announceAgain announces the stream's layout of a table behind another of the same table.
func (w *Windows) announceAgain(table string, other bool) error {
	if l := w.layouts[table]; l != nil && other {
		return w.next.Table(l)
	}
	return nil
}

func (w *Windows) hit(point string) {
	if w.o.Hit != nil {
		w.o.Hit(point)
	}
}

func (w *Windows) notice(text string) {
	if w.o.Notice != nil {
		w.o.Notice(text)
	}
}

var errStreamEnded = errors.New("the stream ended")

// ended is why ctx ended.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return errStreamEnded
}
