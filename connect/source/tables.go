package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"rdip/connect/source/owntopics"
	"rdip/connect/source/records"
	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/sinks"
)

// table is what all lanes of a task share of one captured table.
type table struct {
	id string

	// counts of records that were handed to the producer, added to once a batch.
	reads, creates, updates, deletes, truncates atomic.Int64

	refused atomic.Bool // its rows are dead letters, since the registry refuses a schema

	opening sync.Mutex // held while the topic is made or verified, for as long as Kafka is away

	// Guarded by mu, which nothing holds while it waits: Status takes it. The topic, once it is there, stays
	// as it is and may be read without.
	mu      sync.Mutex
	topic   string
	to      routing.Destination // where Topic is topic
	target  sinks.Topic
	stopped *Stop  // nil while the table is captured
	since   uint64 // transactions whose commit lies before this place were delivered before; 0: none

	told told // the stream's lane's own
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
	// Rows of the table were delivered of the transaction whose commit is at Within; 0 where that is not known.
	Within uint64
	Rows   int64
}

// goesOn takes over what is known of a stop that was gone on from, where the table stops again before it was past it:
// rows that were delivered of a transaction stay so.
func (s *Stop) goesOn(before offsets.StoppedTable) {
	switch {
	case before.Within == 0:
	case s.Within == before.Within:
		s.Rows = max(s.Rows, before.Rows)
	case s.Within == 0 && s.Place <= before.Place:
		s.Within, s.Rows = before.Within, before.Rows
	}
}

// Then is what a person does once the table is mended, as typed.
func (s *Stop) Then(connector, table string) string {
	then := "once it is mended: rdip resume " + connector + " " + table
	if s.InSnapshot {
		return then + ", which reads the table again"
	}
	return then + "; what was written stays in the log as it was, so that a change of the row alone mends nothing: where only some rows are at fault, errors.tolerance: all makes dead letters of them"
}

// shown is what Status tells: the topic, zero before it is there, and why the table stopped.
func (t *table) shown() (sinks.Topic, *Stop) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.target, t.stopped
}

// tables finds a task's tables by schema.Table.ID.
type tables struct {
	naming   routing.Naming
	producer sinks.Producer
	known    func(sinks.Topic) error // refuses a topic that is not the one of the stored position
	since    uint64                  // of the tables that had not stopped

	mu      sync.Mutex
	byID    map[string]*table
	byTopic map[string]string // the table that has a topic for itself
}

func newTables(n routing.Naming, p sinks.Producer) *tables {
	return &tables{naming: n, producer: p, byID: map[string]*table{}, byTopic: map[string]string{}}
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
	to, err := ts.destination(t)
	if err != nil {
		return found, err
	}
	if to.ByRow() { // each row's topic is made when a row needs it
		found.mu.Lock()
		found.topic, found.to = to.Topic, to
		found.mu.Unlock()
		return found, nil
	}
	target, err := ts.producer.Prepare(ctx, to.Topic)
	if err != nil {
		return found, err
	}
	if err := ts.known(target); err != nil {
		return found, err
	}
	found.mu.Lock()
	found.target, found.topic, found.to = target, to.Topic, to
	found.mu.Unlock()
	return found, nil
}

// destination is the table's topic. Two tables have one only where that is asked for (K8).
func (ts *tables) destination(t *schema.Table) (routing.Destination, error) {
	to := ts.naming.Topic(t)
	if to.Shared {
		return to, nil
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if other := ts.byTopic[to.Topic]; other != "" && other != t.ID() {
		return to, sameTopic(t.ID(), other, to.Topic)
	}
	ts.byTopic[to.Topic] = t.ID()
	return to, nil
}

// sameTopic refuses a table whose topic another one has, though nobody asked for that.
func sameTopic(id, other, topic string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "route", Object: "table " + id, Permanent: true,
		Cause: fmt.Errorf("its topic %s is that of table %s too (K8)", topic, other),
		Hint:  "name topics apart with topic.naming, or ask for one topic with topic.routing"}
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

// isStopped says whether a table was given up.
func (ts *tables) isStopped(id string) bool {
	ts.mu.Lock()
	t := ts.byID[id]
	ts.mu.Unlock()
	if t == nil {
		return false
	}
	_, stopped := t.shown()
	return stopped != nil
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
	collection *owntopics.Collection

	to    records.Topic // the table's own topic, with the writers of envelopes
	shape records.Shape // nil for envelopes

	refusal error  // the registry refuses the schema, so that every row is a dead letter; nil: it takes it
	hidden  []bool // columns that dead letters do not show; nil until the first of them

	signals bool // the table's rows are signals
	silent  bool // and nothing else: there is no Encoder
}

// newEncoding is an encoding of a layout as the table's records show it.
func newEncoding(shown *envelope.Layout, of *table, t *Task) *encoding {
	return &encoding{Encoder: envelope.NewEncoder(shown, of.topic, t.options(of)), table: of,
		to: records.Topic{Name: of.topic, Target: of.target}, shape: records.NewShape(of.to.Plan, t.shaping())}
}

// register readies an encoding at the table's first row: its schemas get their ids (R6), or are compiled.
func (x *encoding) register(l *lane) error {
	if x.shape != nil {
		err := x.shape.Prepare(l.ctx, x.Encoder, x.table.id, &x.to)
		x.ready = err == nil
		return err
	}
	f := l.run.task.formats()
	if err := x.to.Register(l.ctx, &f, x.KeySchema(), x.ValueSchema()); err != nil {
		return err
	}
	x.SetIDs(x.to.Keys.ID(), x.to.Values.ID())
	x.ready = true
	return nil
}

// relaxed is the encoding of the same layout with one column nullable: the catalog, read later than the
// log, says NOT NULL, and a row of the time before holds a NULL.
func (x *encoding) relaxed(column int, t *Task) *encoding {
	layout := *x.Layout
	of := *layout.Table
	of.Columns = append([]schema.Column(nil), of.Columns...)
	of.Columns[column].Nullable = true
	if k := slices.Index(of.Key, column); k >= 0 && of.KeyColumns != nil {
		of.KeyColumns = slices.Clone(of.KeyColumns)
		of.KeyColumns[k].Nullable = true
	}
	layout.Table = &of
	out := newEncoding(&layout, x.table, t)
	out.since, out.signals = x.since, x.signals
	return out
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
