// Package signals is what a person asks of a connector through a table or a topic, in Debezium's form: where signals are
// taken from, what they say, and what they mean of the captured tables. Acting on them is package source's. Its keys are
// signal.*.
package signals

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

// Data is the data of a signal, as Debezium has it (AbstractSnapshotSignal, ExecuteSnapshot, Log).
type Data struct {
	Tables     []string    `json:"data-collections"` // expressions that match the whole of schema.table
	Kind       string      `json:"type"`
	Conditions []condition `json:"additional-conditions"`
	Condition  string      `json:"additional-condition"` // Debezium's own before 2.3
	Surrogate  string      `json:"surrogate-key"`
	Message    string      `json:"message"`
}

type condition struct {
	Table  string `json:"data-collection"`
	Filter string `json:"filter"`
}

// OfRecord is the signal of a record of the topic: none where it is another connector's (KafkaSignalChannel
// compares the key with topic.prefix).
func OfRecord(r Record, prefix string) ([]offsets.Signal, error) {
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
	return []offsets.Signal{{Channel: fromTopic, ID: form.ID, Type: form.Type, Data: string(form.Data)}}, nil
}

// Parse reads a signal's data; without any it is empty.
func Parse(s offsets.Signal) (*Data, error) {
	data := &Data{}
	if s.Data == "" {
		return data, nil
	}
	if err := json.Unmarshal([]byte(s.Data), data); err != nil {
		return nil, Refused(fmt.Errorf("its data cannot be read: %w", err), `write data such as {"data-collections": ["public.orders"]}`)
	}
	return data, nil
}

// IsBlocking says of an execute-snapshot whether it asks for a blocking one; the error is what cannot be read at all.
func (d *Data) IsBlocking() (bool, error) {
	blocking := strings.EqualFold(d.Kind, "blocking")
	switch {
	case d.Kind != "" && !blocking && !strings.EqualFold(d.Kind, "incremental"):
		return false, Refused(fmt.Errorf("its snapshot type is %q", d.Kind), "use incremental or blocking")
	case len(d.Tables) == 0:
		return false, Refused(errors.New("it names no data-collections"), `write data such as {"data-collections": ["public.orders"]}`)
	case d.Surrogate != "":
		return false, Refused(errors.New("surrogate-key is not supported"), "leave it out: a table is read by its place on disk, and a table without a key at an exact place of the log")
	}
	return blocking, nil
}

// Refused is a signal that cannot be acted upon, as the person who sent it has to mend it.
func Refused(cause error, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "act on", Object: "a signal", Cause: cause, Hint: hint, Permanent: true}
}

// Asked is the tables that the data means. An expression matches a whole name, letter case ignored, as Debezium's do.
func (d *Data) Asked(captured []*schema.Table) ([]snapshot.Asked, error) {
	var asked []snapshot.Asked
	names := make([]string, len(captured))
	for i, t := range captured {
		names[i] = t.ID()
	}
	chosen, err := Matching(d.Tables, names)
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
func (d *Data) filter(table string) (string, error) {
	where := strings.TrimSpace(d.Condition)
	for _, c := range d.Conditions {
		is, err := configs.ParsePatterns(c.Table)
		if err != nil {
			return "", Refused(fmt.Errorf("expression %q: %w", c.Table, err), "name tables as schema.table")
		}
		if is.Match(table) {
			where = strings.TrimSpace(c.Filter)
			break
		}
	}
	if len(where) > 7 && strings.EqualFold(where[:6], "select") && strings.ContainsAny(where[6:7], " \t\r\n*") {
		return "", Refused(errors.New("a filter is a whole SELECT statement"), "give the condition alone, as it stands behind WHERE")
	}
	return where, nil
}

// Matching is the names that expressions match; one that matches none is refused.
func Matching(expressions, names []string) ([]string, error) {
	chosen := map[string]bool{}
	for _, text := range expressions {
		pattern, err := configs.ParsePatterns(text)
		if err != nil {
			return nil, Refused(fmt.Errorf("expression %q: %w", text, err), "name tables as schema.table")
		}
		found := false
		for _, name := range names {
			if pattern.Match(name) {
				chosen[name], found = true, true
			}
		}
		if !found {
			return nil, Refused(fmt.Errorf("%q matches no captured table", text), didYouMean(text, names))
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
