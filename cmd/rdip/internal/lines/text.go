package lines

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rdip/envelope"
	"rdip/envelope/decode"
)

// operations are the envelope's, by the words that a line has for them.
var operations = map[envelope.Op]string{
	envelope.Read: "read", envelope.Create: "create", envelope.Update: "update", envelope.Delete: "delete",
	envelope.Truncate: "truncate", envelope.Note: "message",
}

func (p *Printer) printText(ctx context.Context, d *decoded) error {
	t := p.of(d.Topic)
	change, ok := decode.ChangeOf(&d.key, &d.value, d.Headers)
	when := d.Time
	if ok {
		t.table, when = change.ID(), change.Commit
	}
	if err := p.printSchema(ctx, t, d, when); err != nil {
		return err
	}
	switch {
	case ok:
		return p.count(p.printChange(t, d, &change))
	case d.Value != nil:
		return p.count(p.printLine(d.Time, t.table, "record", keyText(&d.key), oneLine(&d.value), ""))
	case p.Tombstones:
		return p.count(p.printLine(d.Time, t.table, "tombstone", keyText(&d.key), "", ""))
	}
	return nil
}

func (p *Printer) printChange(t *topic, d *decoded, c *decode.Change) error {
	since := d.received.Sub(c.Commit)
	if p.Tally != nil {
		p.Tally.add(c.Op, since, d.received)
	}
	operation, known := operations[c.Op]
	if !known {
		operation = string(c.Op)
	}
	return p.printLine(c.Commit, t.table, operation, keyText(&d.key), what(d, c), elapsed(since))
}

// printSchema says what became of a table's columns, when the first record comes that shows it.
func (p *Printer) printSchema(ctx context.Context, t *topic, d *decoded, when time.Time) error {
	if d.Value == nil || decode.IsJSON(d.Value) {
		return nil
	}
	id, err := decode.SchemaID(d.Value)
	if err != nil {
		return err
	}
	if t.schemas[id] {
		return nil
	}
	now, err := p.Decoder.Schema(ctx, id)
	if err != nil {
		return err
	}
	last := t.last
	t.schemas[id] = true
	if id > t.lastID {
		t.last, t.lastID = now, id
	}
	if last == nil {
		return nil
	}
	e := decode.Evolved(last, now)
	if e.IsEmpty() {
		return nil
	}
	return p.printLine(when, t.table, "schema", "", evolution(e), fmt.Sprintf("schema id %d", id))
}

func evolution(e decode.Evolution) string {
	var parts []string
	for _, each := range []struct {
		word    string
		columns []string
	}{{"added", e.Added}, {"dropped", e.Dropped}, {"retyped", e.Retyped}} {
		if len(each.columns) > 0 {
			parts = append(parts, each.word+" "+strings.Join(each.columns, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// what is what an event says of its row.
func what(d *decoded, c *decode.Change) string {
	switch c.Op {
	case envelope.Update:
		return changes(c)
	case envelope.Delete:
		if to := decode.HeaderValue(d.Headers, envelope.NewKeyHeader); to != nil {
			return "key becomes " + headerKey(to)
		}
		if c.KeyOnly || c.Before == nil {
			return ""
		}
		return prefixed("was ", columns(c.Before, c.Key))
	case envelope.Note:
		message := d.value.Field("message")
		return oneLine(&message)
	}
	row := columns(c.After, c.Key)
	if from := decode.HeaderValue(d.Headers, envelope.OldKeyHeader); from != nil {
		return strings.TrimSuffix("key was "+headerKey(from)+"; "+row, "; ")
	}
	return row
}

// changes are "column: old → new", or the row as it is now where the log did not carry the old one.
func changes(c *decode.Change) string {
	all := c.Changed()
	var parts []string
	for _, d := range all {
		if d.Old != nil {
			parts = append(parts, d.Name+": "+d.Old.Text()+" → "+d.New.Text())
		}
	}
	var unknown []decode.Column
	for _, d := range all {
		if d.Old == nil {
			unknown = append(unknown, decode.Column{Name: d.Name, Value: *d.New})
		}
	}
	if row := columns(unknown, c.Key); row != "" {
		parts = append(parts, "now "+row)
	}
	if len(parts) == 0 {
		return "(nothing that is captured)"
	}
	return strings.Join(parts, ", ")
}

// columns are "column: value", without those of the key.
func columns(row, key []decode.Column) string {
	parts := make([]string, 0, len(row))
	for i := range row {
		if !isIn(key, row[i].Name) {
			parts = append(parts, row[i].Name+": "+row[i].Value.Text())
		}
	}
	return strings.Join(parts, ", ")
}

func isIn(columns []decode.Column, name string) bool {
	for i := range columns {
		if columns[i].Name == name {
			return true
		}
	}
	return false
}

// keyText is a key as "column=value,column=value".
func keyText(key *decode.Value) string {
	if key.IsNull() {
		return "(no key)"
	}
	if key.Type.Kind != decode.Record {
		return key.Text()
	}
	parts := make([]string, len(key.Items))
	for i := range key.Items {
		parts[i] = key.Type.Fields[i].Name + "=" + key.Items[i].Text()
	}
	return strings.Join(parts, ",")
}

// headerKey is the key in one of Debezium's headers, JSON in the order of its columns, as keyText writes it.
func headerKey(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var parts []string
	for d.More() {
		token, err := d.Token()
		if err != nil {
			break
		}
		name, ok := token.(string)
		if !ok {
			continue
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		parts = append(parts, name+"="+strings.Trim(string(value), `"`))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%q", text)
	}
	return printable(strings.Join(parts, ","))
}

// oneLine is a value that is no row's as JSON.
func oneLine(v *decode.Value) string { return string(decode.AppendJSON(nil, v)) }

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// elapsed is a time in the unit that people would take.
func elapsed(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// printable escapes what a terminal would obey.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}
