package signals

import (
	"context"
	"fmt"

	"rdip/offsets"
	"rdip/schema"
)

// Channels are where a connector takes signals from: what a person asks of it, in Debezium's form. The zero value is
// nowhere.
type Channels struct {
	Table  string // ID of the table whose inserted rows are signals; "" for none
	Silent bool   // the table is there for its signals only: its rows go to no topic
	Topic  string // the topic whose records are; "" for none
	// Open reads the topic from an offset on; below 0, from what comes after the call.
	Open func(ctx context.Context, from int64) (Topic, error)
}

// Silences says whether a table's rows are signals and nothing else: it has no topic and no snapshot.
func (c *Channels) Silences(t *schema.Table) bool { return c.Silent && t.ID() == c.Table }

// Topic is an open signal topic. It serves one goroutine.
type Topic interface {
	// Begin is the offset of the record that Next gives first; below 0 where the topic is not there yet, or may not be
	// seen: then it is read from its beginning once it is.
	Begin() int64
	Next(ctx context.Context) (Record, error)
	Close() error
}

// Record is one record of a signal topic.
type Record struct {
	Offset     int64
	Key, Value []byte
}

// The channels of signals, as Debezium names them.
const (
	FromTable = "source" // rows of a table of the source
	fromTopic = "kafka"
)

// Name is a signal for people.
func Name(s offsets.Signal) string {
	return fmt.Sprintf("%q (%s, channel %s)", s.ID, s.Type, s.Channel)
}
