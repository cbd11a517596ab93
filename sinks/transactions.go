package sinks

import "context"

// TransactionalProducer is a Producer that was opened to send in transactions (exactly.once.support: required).
// Each Send belongs to the open transaction, which the first of them begins; readers that ask for committed
// records see all of it or nothing.
type TransactionalProducer interface {
	Producer
	// Positions makes this producer the only one under its name: what an earlier one left open is resolved, and
	// whatever it still sends is refused. Then it makes or verifies the compacted topic of positions, reads it to
	// its end as a reader of committed records does, and gives the newest record of each key that is wanted,
	// whose bytes are the caller's. A null value is not given. Asked once, before the first Prepare or Send.
	Positions(ctx context.Context, wanted func(key []byte) bool) (Topic, []Record, error)
	// Commit ends the open transaction with these records, which go to the topic of positions, behind all that
	// was sent before; without anything sent it is a transaction of them alone. It takes the records' bytes until
	// done, and returns at once: what is sent from then on belongs to the next transaction, and waits within the
	// producer's bounds. done is called once, from any goroutine, after the Acks of all that the transaction holds: with nil
	// the transaction is durable, and readers of committed records see it within moments; with an error nobody can
	// know, and the task starts again with a new producer, whose Positions say. One Commit at a time, the next from
	// done on; the caller sees to it that no lane is in the middle of what must not be divided. Close waits for a
	// commit under way, and aborts what was sent since.
	Commit(ctx context.Context, positions []Record, done func(error)) error
}
