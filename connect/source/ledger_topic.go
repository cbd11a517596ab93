package source

import (
	"fmt"
	"maps"
	"time"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
)

// Where delivery is exactly once, the ledger's changes go into the topic of positions, in Kafka transactions:
//
//   - Before its caller goes on, in a transaction of its own: the source's identity (keep), how the source was opened
//     (opened), the plan of a first snapshot (planned), its end (snapshotDone), where a stream begins (begin), what
//     people, signals and the signal topic change (ask, drop, keepTables). Nobody of these is inside the gate.
//   - With the transaction that ends next: positions and chunks, signals that were taken from the log (take), topics
//     that were found or made (checkTopic), tables that stopped (stopTable). A lane does these inside a source
//     transaction, which they belong to; what is aborted takes them back.

// putTopic has the record, and what changed of the tables, committed before it returns. The caller holds mu, which is
// let go meanwhile, and does nothing behind it.
func (g *ledger) putTopic() error {
	g.dirty = true
	g.mu.Unlock()
	defer g.mu.Lock()
	return g.exact.commit()
}

// later has the record committed with the next transaction. The caller holds mu.
func (g *ledger) later() {
	g.dirty = true
	if g.exact != nil {
		g.exact.moved.Store(true)
	}
}

// outgoing is what a Kafka transaction says; nil where there is nothing to commit.
func (g *ledger) outgoing(in reached, r *run) (*outgoing, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := &outgoing{chunks: len(in.chunks) > 0, newest: in.newest}
	moved := false
	if !in.position.IsZero() {
		moved = g.reach(in.position, r.reader)
		var err error
		if out.discard, err = g.discard(in.position, r.reader); err != nil {
			return nil, err
		}
		g.tx = in.tx
	}
	out.tables, out.stored = g.readings.Changed(in.chunks)
	g.isComplete()
	topics := g.untold()
	if !in.rows && !g.dirty && !moved && len(out.tables) == 0 && len(topics) == 0 {
		return nil, nil
	}
	g.dirty = false
	out.record = g.record
	err := g.records(out, topics)
	return out, err
}

// untold are the topics whose ids are not in the topic of positions yet.
func (g *ledger) untold() map[string]string {
	var found map[string]string
	for name, id := range g.record.Topics {
		if g.told[name] == id {
			continue
		}
		if found == nil {
			found = map[string]string{}
		}
		found[name] = id
	}
	return found
}

// records makes the records of positions.
func (g *ledger) records(out *outgoing, topics map[string]string) error {
	w := &positionsWriter{topic: &g.exact.topic, now: time.Now().UnixMicro()}
	form := g.exact.options.Form
	out.record.Updated = time.Now()
	g.record.Updated = out.record.Updated
	place, tx := g.foreignPlace()
	fields := form.Fields(offsets.Position{Place: place}, tx.ID, tx.Micros, g.record.SnapshotDone)
	w.add(g.topicKey())(offsets.EncodeTopicRecord(g.task.Name, out.record, fields))
	for id, t := range out.tables {
		k := g.topicKey()
		k.Table = id
		if t == nil {
			w.add(k)(nil, nil)
			continue
		}
		w.add(k)(offsets.EncodeTopicTable(k, g.forTopic(id, t)))
	}
	told := maps.Clone(g.told)
	if told == nil {
		told = map[string]string{}
	}
	for name, id := range topics {
		k := g.topicKey()
		k.Topic = name
		w.add(k)(offsets.EncodeTopicID(id))
		told[name] = id
	}
	g.told, out.records = told, w.records
	return w.err
}

// foreignPlace is from where Debezium may go on: it knows of no tables that stopped, and must not begin behind what one of
// them is missing. The others' changes since come again then, to be at least once. The source holds its log for it.
func (g *ledger) foreignPlace() (uint64, Reached) {
	if s, ok := g.oldestStop(); ok && s.Place < g.record.Place {
		return s.Place, Reached{}
	}
	return g.record.Place, g.tx
}

func (g *ledger) topicKey() offsets.TopicKey {
	return offsets.TopicKey{Connector: g.task.Name, Server: g.task.Prefix}
}

// positionsWriter gathers records for the topic of positions; err is the first that failed.
type positionsWriter struct {
	topic   *sinks.Topic
	now     int64
	records []sinks.Record
	err     error
}

// add takes a key, and then its value, nil for one that is gone.
func (w *positionsWriter) add(k offsets.TopicKey) func(value []byte, err error) {
	return func(value []byte, err error) {
		if w.err != nil {
			return
		}
		var key []byte
		if err == nil {
			key, err = k.Encode()
		}
		r := sinks.Record{Topic: w.topic.Name, Key: key, Value: value, Micros: w.now}
		if err == nil {
			r.Partition = w.topic.Partition(key)
			if w.topic.Refuses != nil {
				err = w.topic.Refuses(&r)
			}
		}
		if err != nil {
			w.err = &fault.Error{Op: "keep the position of", Object: "connector " + k.Connector, Permanent: fault.IsPermanent(err),
				Cause: fmt.Errorf("in topic %s: %w", w.topic.Name, err), Hint: "raise max.message.bytes of topic " + w.topic.Name}
			return
		}
		w.records = append(w.records, r)
	}
}
