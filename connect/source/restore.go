package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"rdip/internal/failpoint"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
	"rdip/snapshot"
)

// restore makes this run the only one that writes under its name, and takes the connector's state from where it is
// true: from the topic of positions, unless the offsets file was written later. From then on both say the same.
func (r *run) restore(ctx context.Context) error {
	t := r.task
	producer, ok := r.producer.(sinks.TransactionalProducer)
	if !ok {
		return &fault.Error{Kind: fault.Configuration, Op: "deliver exactly once", Object: "connector " + t.Name, Permanent: true,
			Cause: errors.New("the sink has no transactions"), Hint: "exactly.once.support: requested"}
	}
	topic, records, err := producer.Positions(ctx, func(key []byte) bool {
		k, ok := offsets.ParseTopicKey(key)
		return ok && k.Connector == t.Name && k.Server == t.Prefix
	})
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.Restoring)
	known, err := r.known(topic, records)
	if err != nil {
		return err
	}
	chosen, err := known.choose()
	if err != nil {
		return err
	}
	r.exact = newTransactor(r, producer, topic)
	return r.ledger.restored(r.exact, known, chosen)
}

// known is what the file and the topic have of a connector.
type known struct {
	connector string
	topic     sinks.Topic // of positions
	stored    bool        // in the file
	forgotten bool        // in the file: what the topic has is void
	record    offsets.Record
	tables    map[string]offsets.TableSnapshot
	inTopic   offsets.TopicState
	form      OffsetForm
}

func (r *run) known(topic sinks.Topic, records []sinks.Record) (*known, error) {
	t, g := r.task, r.ledger
	k := &known{connector: t.Name, topic: topic, record: g.record, form: t.ExactlyOnce.Form}
	var err error
	if _, k.stored, err = t.Store.Get(t.Name); err != nil {
		return nil, err
	}
	if k.tables, err = t.Store.Tables(t.Name); err != nil {
		return nil, err
	}
	if k.forgotten, err = t.Store.Forgotten(t.Name); err != nil {
		return nil, err
	}
	return k, k.read(t.Prefix, records)
}

// read takes up what the topic has of the connector, once it is known what the file has. Where that makes the topic's
// void, by a reset or a position set by hand, a record that cannot be read is as good as any: it is overwritten.
func (k *known) read(prefix string, records []sinks.Record) error {
	for i := range records {
		err := k.inTopic.Add(k.connector, prefix, records[i].Key, records[i].Value)
		if err != nil && !k.void() {
			return &fault.Error{Kind: fault.PositionLost, Op: "read the position of", Object: "connector " + k.connector, Permanent: true,
				Cause: fmt.Errorf("topic %s: %w", k.topic.Name, err), Hint: "run the rdip that wrote it, or a newer one; or rdip offsets reset " + k.connector + " --drop-slot --config FILE to begin with a new snapshot"}
		}
	}
	return nil
}

// void says whether a person has made void what the topic has.
func (k *known) void() bool { return k.forgotten || k.stored && k.record.ByHand }

// choice is the state that a connector goes on with.
type choice struct {
	record offsets.Record
	tables map[string]offsets.TableSnapshot
	write  bool // the topic has to be brought to it first
	notice string
}

// choose says which of the two is true. The file is a copy of the topic unless it says otherwise: a person or a run that
// delivered at least once has written it since.
func (k *known) choose() (*choice, error) {
	file := &choice{record: k.record, tables: k.tables, write: true}
	topic := &choice{record: k.inTopic.Record, tables: k.whole()}
	topic.record.Cluster = k.record.Cluster
	has := !k.forgotten && k.inTopic.Fields != nil
	if k.stored && k.record.ExactlyOnce && !k.record.ByHand {
		if err := k.sameTopic(has); err != nil {
			return nil, err
		}
	}
	switch {
	case !has:
		return file, nil
	case k.stored && k.record.ByHand:
		file.notice = fmt.Sprintf("the position was set by hand: topic %s is brought to it", k.topic.Name)
		return file, nil
	case !k.inTopic.Ours:
		return k.foreign(file)
	case !k.stored || k.record.ExactlyOnce:
		return topic, nil
	case k.sameHistory() && k.inTopic.Record.Place > k.record.Place:
		return topic, nil
	default:
		return file, nil
	}
}

// sameHistory says whether positions of the file and of the topic are of the same server and snapshot.
func (k *known) sameHistory() bool {
	a, b := &k.record, &k.inTopic.Record
	return a.Identity == b.Identity && a.SnapshotStarted.Equal(b.SnapshotStarted)
}

// sameTopic refuses a topic of positions that is not the one that the file is a copy of (K11).
func (k *known) sameTopic(has bool) error {
	was, known := k.record.Topics[k.topic.Name]
	var cause error
	switch {
	case known && k.topic.ID != "" && was != k.topic.ID:
		cause = fmt.Errorf("topic %s has the id %s, and the connector's positions were in the one with id %s: it was deleted and made anew", k.topic.Name, k.topic.ID, was)
	case k.forgotten || has:
		return nil
	default:
		cause = fmt.Errorf("topic %s has no position of it, and the state folder has a copy of one, %s: the topic is another one, or topic.prefix or the connector's name is", k.topic.Name, k.record.Position)
	}
	return &fault.Error{Kind: fault.PositionLost, Op: "resume connector", Object: k.connector, Permanent: true, Cause: cause,
		Hint: fmt.Sprintf("put offset.storage.topic, topic.prefix and the name back; or rdip offsets set %s --accept-cluster --config FILE to go on from the copy, where events may come twice; or rdip offsets reset %[1]s --drop-slot --config FILE to take a new snapshot", k.connector)}
}

// foreign goes on from a position of Debezium's, unless a run that delivered at least once is ahead of it.
func (k *known) foreign(file *choice) (*choice, error) {
	text, place, notice, err := k.form.Position(&k.inTopic)
	if err != nil {
		return nil, &fault.Error{Kind: fault.PositionLost, Op: "go on from the position of Debezium's of", Object: "connector " + k.connector, Permanent: true,
			Cause: fmt.Errorf("topic %s: %w", k.topic.Name, err), Hint: fmt.Sprintf("rdip offsets set %s --lsn LSN --config FILE, or rdip offsets reset %[1]s --drop-slot --config FILE to take a new snapshot", k.connector)}
	}
	if k.stored && !k.record.ExactlyOnce && k.record.Place >= place {
		return file, nil
	}
	file.record.Position, file.record.Place, file.record.SnapshotDone, file.record.Stopped = text, place, true, nil
	file.notice = fmt.Sprintf("topic %s has a position of Debezium's, from which the connector goes on. %s", k.topic.Name, notice)
	return file, nil
}

// restored takes the chosen state over: into the topic first where that has to change, then into the file, before
// anything is sent.
func (g *ledger) restored(x *transactor, k *known, c *choice) error {
	g.mu.Lock()
	record := c.record
	record.ExactlyOnce, record.InTopic, record.ByHand = true, false, false
	if k.topic.ID != "" {
		topics := map[string]string{}
		maps.Copy(topics, record.Topics)
		topics[k.topic.Name] = k.topic.ID
		record.Topics = topics
	}
	g.record, g.exact = record, x
	g.readings = snapshot.NewReadings(c.tables, nil)
	if !c.write {
		g.told = k.inTopic.Record.Topics
	}
	stale := k.stale(c)
	var err error
	begun := k.stored || c.record.Position != ""
	if begun && c.write || len(stale) > 0 {
		err = g.rewrite(c, stale, begun)
	}
	g.mu.Unlock()
	if err != nil {
		return err
	}
	if c.notice != "" {
		g.task.Log.Warn(c.notice)
	}
	return g.copied(k, c, begun || !c.write)
}

// stale are the keys that the topic has and the chosen state has not.
func (k *known) stale(c *choice) []offsets.TopicKey {
	if !c.write {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(k.inTopic.Keys), func(key offsets.TopicKey) bool {
		switch {
		case key.Table != "":
			_, ok := c.tables[key.Table]
			return ok
		case key.Topic != "":
			return c.record.Topics[key.Topic] != ""
		default:
			return k.stored || c.record.Position != ""
		}
	})
}

// rewrite commits the chosen state, and what is not in it as gone. The caller holds mu.
func (g *ledger) rewrite(c *choice, stale []offsets.TopicKey, begun bool) error {
	out := &outgoing{record: g.record, tables: map[string]*offsets.TableSnapshot{}}
	for id, t := range c.tables {
		out.tables[id] = &t
	}
	if begun {
		if err := g.records(out, g.untold()); err != nil {
			return err
		}
	}
	w := &positionsWriter{topic: &g.exact.topic, records: out.records}
	for _, k := range stale {
		w.add(k)(nil, nil)
	}
	if w.err != nil {
		return w.err
	}
	return g.exact.commitNow(w.records)
}

// copied brings the file to the state.
func (g *ledger) copied(k *known, c *choice, begun bool) error {
	store, name := g.task.Store, g.task.Name
	if begun {
		changed := map[string]*offsets.TableSnapshot{}
		for id := range k.tables {
			changed[id] = nil
		}
		for id, t := range c.tables {
			changed[id] = &t
		}
		err := store.ReplaceTables(name, g.record, changed)
		if err != nil && (c.write || k.forgotten || fault.IsPermanent(err)) { // the file would be taken for newer again
			return err
		}
		g.task.setStoreError(err)
	}
	if !k.forgotten {
		return nil
	}
	return store.Remember(name)
}

// commitNow commits records of positions alone, before there is a lane.
func (x *transactor) commitNow(records []sinks.Record) error {
	ctx := x.run.work
	done := make(chan error, 1)
	if err := x.producer.Commit(ctx, records, func(err error) { done <- err }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
