package envelope

import "rdip/offsets"

// Handler receives a stream, of a log or of a snapshot lane, on one goroutine. What it is handed is
// borrowed until it returns. Its methods block while the byte budget is spent and end with an error once
// the lane's context does; a reader ends its stream with that error, unchanged.
type Handler interface {
	// Begin opens a transaction. Snapshot lanes call it once, with the snapshot's time and place.
	Begin(tx *Transaction) error
	// Table announces a layout before its first row, and again whenever the table changes.
	Table(l *Layout) error
	// Row is one change of the open transaction, of a layout that was announced.
	Row(e *Event) error
	// Refuse says that a change here cannot be handed over as a row: its key is not in the log, or it is too large.
	// It stands in Row's place, of a layout that was announced, and what it returns is as of Row. Whether the table
	// stops for it is not the reader's to decide: it goes on with the rows behind it, of this table too. known is what
	// was read of the row, its other columns Absent; nil where that is nothing.
	Refuse(l *Layout, known Row, reason error) error
	// Message is a logical message: a heartbeat, a watermark, or the application's own.
	Message(m *Message) error
	// Commit closes the open transaction with the position behind it, or a snapshot lane's chunk.
	Commit(d offsets.Durable) error
	// Flush says that the reader has handed over all it holds and is about to wait for the source, so that
	// what is gathered should go on its way. Called once a wait, never once a row; also inside a transaction.
	Flush() error
	// Idle says that nothing is in flight and the source is at p, outside any transaction.
	Idle(p offsets.Position) error
}
