package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

// signalData is the data of a signal, as Debezium has it (AbstractSnapshotSignal, ExecuteSnapshot, Log).
type signalData struct {
	Tables     []string          `json:"data-collections"` // expressions that match the whole of schema.table
	Kind       string            `json:"type"`
	Conditions []signalCondition `json:"additional-conditions"`
	Condition  string            `json:"additional-condition"` // Debezium's own before 2.3
	Surrogate  string            `json:"surrogate-key"`
	Message    string            `json:"message"`
}

type signalCondition struct {
	Table  string `json:"data-collection"`
	Filter string `json:"filter"`
}

// recordSignals is the signal of a record of the topic: none where it is another connector's (KafkaSignalChannel
// compares the key with topic.prefix).
func recordSignals(r SignalRecord, prefix string) ([]offsets.Signal, error) {
	if string(r.Key) != prefix || len(r.Value) == 0 {
		return nil, nil
	}
	var form struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(r.Value, &form); err != nil {
		return nil, fmt.Errorf(`it is not {"id": ..., "type": ..., "data": {...}}: %w`, err)
	}
	if form.Type == "" {
		return nil, errors.New(`it has no "type"`)
	}
	if form.ID == "" {
		form.ID = fmt.Sprintf("offset %d", r.Offset)
	}
	return []offsets.Signal{{Channel: channelKafka, ID: form.ID, Type: form.Type, Data: string(form.Data)}}, nil
}

// act does what a signal asks for and forgets the signal, in one write of the record.
func (r *run) act(ctx context.Context, s offsets.Signal) error {
	var data signalData
	if s.Data != "" {
		if err := json.Unmarshal([]byte(s.Data), &data); err != nil {
			return refusedSignal(fmt.Errorf("its data cannot be read: %w", err), `write data such as {"data-collections": ["public.orders"]}`)
		}
	}
	switch s.Type {
	case "execute-snapshot":
		return r.executeSnapshot(ctx, s, &data)
	case "stop-snapshot":
		return r.changeSnapshot(s, &data, (*snapshot.Readings).Stop)
	case "pause-snapshot":
		return r.changeSnapshot(s, &data, (*snapshot.Readings).Pause)
	case "resume-snapshot":
		return r.changeSnapshot(s, &data, (*snapshot.Readings).Resume)
	case "log":
		r.task.Log.LogAttrs(ctx, slog.LevelInfo, "a signal says", slog.String("signal", s.ID), slog.String("message", data.Message))
		return r.ledger.drop(s.Number)
	default:
		return refusedSignal(fmt.Errorf("type %q is not known", s.Type), "use execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot or log")
	}
}

func refusedSignal(cause error, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "act on", Object: "a signal", Cause: cause, Hint: hint, Permanent: true}
}

// executeSnapshot asks for tables to be read. A blocking snapshot is read as an incremental one: the stream goes on.
func (r *run) executeSnapshot(ctx context.Context, s offsets.Signal, data *signalData) error {
	blocking := strings.EqualFold(data.Kind, "blocking")
	switch {
	case data.Kind != "" && !blocking && !strings.EqualFold(data.Kind, "incremental"):
		return refusedSignal(fmt.Errorf("its snapshot type is %q", data.Kind), "use incremental or blocking")
	case len(data.Tables) == 0:
		return refusedSignal(errors.New("it names no data-collections"), `write data such as {"data-collections": ["public.orders"]}`)
	case data.Surrogate != "":
		return refusedSignal(errors.New("surrogate-key is not supported"), "leave it out: a table is read by its place on disk, and a table without a key at an exact place of the log")
	}
	captured, err := r.captured(ctx)
	if err != nil {
		return err
	}
	asked, err := data.asked(captured)
	if err != nil {
		return err
	}
	if err := r.ask(ctx, asked, captured, "signal "+s.ID, without(s.Number)); err != nil {
		return err
	}
	if blocking {
		r.task.signalNotice(fmt.Sprintf("signal %s asks for a blocking snapshot: it is read as an incremental one, while the log is streamed", signalName(s)))
	}
	r.task.Log.Info("a signal asks for a snapshot", "signal", s.ID, "channel", s.Channel, "tables", len(asked))
	return nil
}

// asked is the tables that the data means. An expression matches a whole name, letter case ignored, as Debezium's do.
func (d *signalData) asked(captured []*schema.Table) ([]snapshot.Asked, error) {
	var asked []snapshot.Asked
	names := make([]string, len(captured))
	for i, t := range captured {
		names[i] = t.ID()
	}
	chosen, err := matching(d.Tables, names)
	if err != nil {
		return nil, err
	}
	for _, name := range chosen {
		where, err := d.filter(name)
		if err != nil {
			return nil, err
		}
		asked = append(asked, snapshot.Asked{Table: name, Where: where})
	}
	return asked, nil
}

// filter is the predicate for a table, "" for all rows.
func (d *signalData) filter(table string) (string, error) {
	where := strings.TrimSpace(d.Condition)
	for _, c := range d.Conditions {
		is, err := configs.ParsePatterns(c.Table)
		if err != nil {
			return "", refusedSignal(fmt.Errorf("expression %q: %w", c.Table, err), "name tables as schema.table")
		}
		if is.Match(table) {
			where = strings.TrimSpace(c.Filter)
			break
		}
	}
	if len(where) > 7 && strings.EqualFold(where[:6], "select") && strings.ContainsAny(where[6:7], " \t\r\n*") {
		return "", refusedSignal(errors.New("a filter is a whole SELECT statement"), "give the condition alone, as it stands behind WHERE")
	}
	return where, nil
}

// matching is the names that expressions match; one that matches none is refused.
func matching(expressions, names []string) ([]string, error) {
	chosen := map[string]bool{}
	for _, text := range expressions {
		pattern, err := configs.ParsePatterns(text)
		if err != nil {
			return nil, refusedSignal(fmt.Errorf("expression %q: %w", text, err), "name tables as schema.table")
		}
		found := false
		for _, name := range names {
			if pattern.Match(name) {
				chosen[name], found = true, true
			}
		}
		if !found {
			return nil, refusedSignal(fmt.Errorf("%q matches no captured table", text), didYouMean(text, names))
		}
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

func didYouMean(text string, names []string) string {
	if near := configs.Nearest(text, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "name a table of table.include.list as schema.table, as rdip status shows them"
}

// changeSnapshot pauses, resumes or stops what is under way, all of it where the signal names no table.
func (r *run) changeSnapshot(s offsets.Signal, data *signalData, change func(*snapshot.Readings, ...string) error) error {
	tables := r.ledger.readings.Underway()
	if len(tables) == 0 {
		return refusedSignal(errNoSnapshot, "nothing is to be done")
	}
	if len(data.Tables) > 0 {
		var err error
		if tables, err = matching(data.Tables, tables); err != nil {
			return err
		}
	}
	return r.ledger.change(func(g *snapshot.Readings) error { return change(g, tables...) }, without(s.Number))
}

// change changes how tables are read, and the record with it, and stores both.
func (g *ledger) change(readings func(*snapshot.Readings) error, also func(*offsets.Record)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := readings(g.readings); err != nil {
		return err
	}
	also(&g.record)
	return g.put()
}
