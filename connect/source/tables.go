package source

import (
	"context"
	"errors"
	"sort"
	"sync"
	"sync/atomic"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/schema"
	"rdip/sinks"
)

// Registrar turns schemas into the registry's ids. ID blocks while the registry is away, and ends with ctx;
// a permanent error means that the registry refuses the schema for good. Safe for concurrent use.
type Registrar interface {
	ID(ctx context.Context, subject, schemaJSON string) (int32, error)
}

// table is what all lanes of a task share of one captured table.
type table struct {
	id string

	// counts of records that were handed to the producer, added to once a batch.
	reads, creates, updates, deletes, truncates atomic.Int64

	opening sync.Mutex // held while the topic is made or verified, for as long as Kafka is away

	// Guarded by mu, which nothing holds while it waits: Status takes it. The topic, once it is there, stays
	// as it is and may be read without.
	mu      sync.Mutex
	topic   string
	target  sinks.Topic
	stopped *Stop  // nil while the table is captured
	since   uint64 // transactions whose commit lies before this place were delivered before; 0: none
}

// Stop says why a table is no longer captured while the others go on.
type Stop struct {
	Reason error
	// InSnapshot: only a new snapshot brings the table back.
	InSnapshot bool
	// Place and the Position's text are where the table goes on: everything before is delivered. Set by the
	// ledger; zero for a table that stopped in its snapshot.
	Place    uint64
	Position string
}

// shown is what Status tells: the topic, zero before it is there, and why the table stopped.
func (t *table) shown() (sinks.Topic, *Stop) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.target, t.stopped
}

// tables finds a task's tables by schema.Table.ID.
type tables struct {
	prefix   string
	producer sinks.Producer
	known    func(sinks.Topic) error // refuses a topic that is not the one of the stored position
	since    uint64                  // of the tables that had not stopped

	mu   sync.Mutex
	byID map[string]*table
}

func newTables(prefix string, p sinks.Producer) *tables {
	return &tables{prefix: prefix, producer: p, byID: map[string]*table{}}
}

// get is the table's shared state; at first use its topic is made or verified. With an error the state is there
// too. A table that has stopped needs no topic.
func (ts *tables) get(ctx context.Context, t *schema.Table) (*table, error) {
	ts.mu.Lock()
	found := ts.entry(t.ID())
	ts.mu.Unlock()
	found.opening.Lock()
	defer found.opening.Unlock()
	if _, stopped := found.shown(); stopped != nil || found.topic != "" {
		return found, nil
	}
	topic := topicOf(ts.prefix, t)
	target, err := ts.producer.Prepare(ctx, topic)
	if err != nil {
		return found, err
	}
	if err := ts.known(target); err != nil {
		return found, err
	}
	found.mu.Lock()
	found.target, found.topic = target, topic
	found.mu.Unlock()
	return found, nil
}

// entry is the table's state, made where there is none yet. The caller holds mu.
func (ts *tables) entry(id string) *table {
	found := ts.byID[id]
	if found == nil {
		found = &table{id: id, since: ts.since}
		ts.byID[id] = found
	}
	return found
}

// all lists the tables by name.
func (ts *tables) all() []*table {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	out := make([]*table, 0, len(ts.byID))
	for _, t := range ts.byID {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].id < out[j].id })
	return out
}

// encoding is a lane's own way to write one layout of a table: encoders serve one goroutine.
type encoding struct {
	*envelope.Encoder
	table   *table
	ready   bool           // the schemas are registered
	stopped bool           // as seen by this lane
	since   uint64         // see table.since
	unsent  []sinks.Header // of the last row with columns that the log did not carry
	// collection counts the table's events in the open transaction; nil until the first one is counted.
	collection *collection
}

// register gets the ids of an encoding's schemas, at the table's first row (R6).
func (x *encoding) register(ctx context.Context, r Registrar) error {
	var key int32
	if text := x.KeySchema(); text != "" {
		id, err := r.ID(ctx, x.Topic+"-key", text)
		if err != nil {
			return err
		}
		key = id
	}
	value, err := r.ID(ctx, x.Topic+"-value", x.ValueSchema())
	if err != nil {
		return err
	}
	x.SetIDs(key, value)
	x.ready = true
	return nil
}

// relaxed is the encoding of the same layout with one column nullable: the catalog, read later than the
// log, says NOT NULL, and a row of the time before holds a NULL.
func (x *encoding) relaxed(column int, o envelope.Options) *encoding {
	layout := *x.Layout
	t := *layout.Table
	t.Columns = append([]schema.Column(nil), t.Columns...)
	t.Columns[column].Nullable = true
	layout.Table = &t
	return &encoding{Encoder: envelope.NewEncoder(&layout, x.Topic, o), table: x.table, since: x.since}
}

// nullInNotNull is the column of a row that relaxed would mend.
func nullInNotNull(err error) (int, bool) {
	var ce *envelope.ColumnError
	if errors.As(err, &ce) && ce.NullInNotNull {
		return ce.Index, true
	}
	return 0, false
}

// stopsTable says whether an error concerns one table only: a value or schema that is refused for good.
func stopsTable(err error) bool {
	var ce *envelope.ColumnError
	return errors.As(err, &ce) || fault.IsPermanent(err)
}
