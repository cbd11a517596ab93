package decode

import (
	"encoding/json"
	"slices"
	"time"

	"rdip/envelope"
	"rdip/schema"
)

// Column is one column of a row.
type Column struct {
	Name  string // as the database has it
	Value Value
}

// Change is one event of Debezium's envelope.
type Change struct {
	DB     string
	Schema string // empty where the database has none of its own in a table's name
	Table  string // empty for an event that is not a row's
	Op     envelope.Op
	// Key are the columns of the record's key; nil for a table without one.
	Key []Column
	// Before and After are the row's columns; nil where the envelope has no such row.
	Before, After []Column
	// KeyOnly: of Before, only the key's columns are facts, the others are fillings.
	KeyOnly bool
	Commit  time.Time // when the transaction was committed, to the µs; of a snapshot, when it was taken
	Handled time.Time // when the daemon processed it
	LSN     uint64    // PostgreSQL's place in its log; 0 elsewhere
	Mark    string    // source.snapshot: "false" for the log's own events
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// HeaderValue is the value of the first header with the key, nil where there is none.
func HeaderValue(headers []Header, key string) []byte {
	for i := range headers {
		if headers[i].Key == key {
			return headers[i].Value
		}
	}
	return nil
}

// ChangeOf reads an envelope; ok is false for a value that is none, a tombstone among them.
func ChangeOf(key, value *Value, headers []Header) (c Change, ok bool) {
	if value.IsNull() || value.Type.Kind != Record || value.Type.Field("op") < 0 || value.Type.Field("source") < 0 {
		return Change{}, false
	}
	op, source := value.Field("op"), value.Field("source")
	if len(op.Raw) != 1 || source.IsNull() {
		return Change{}, false
	}
	c = Change{
		DB: text(&source, "db"), Schema: text(&source, "schema"), Table: text(&source, "table"),
		Op: envelope.Op(op.Raw[0]), Key: columns(key), Mark: text(&source, "snapshot"),
		Commit: instant(&source), Handled: instant(value),
		KeyOnly: string(HeaderValue(headers, envelope.BeforeHeader)) == "key",
	}
	before, after, lsn := value.Field("before"), value.Field("after"), source.Field("lsn")
	c.Before, c.After, c.LSN = columns(&before), columns(&after), uint64(lsn.Int)
	markUnavailable(c.After, HeaderValue(headers, envelope.UnavailableHeader))
	return c, true
}

// ID is the table as people write it: schema.table, or db.table where the database has no schemas.
func (c *Change) ID() string {
	switch {
	case c.Table == "":
		return c.DB
	case c.Schema == "":
		return c.DB + "." + c.Table
	}
	return c.Schema + "." + c.Table
}

// Difference is a column that an update changed; Old is nil where the log did not carry the old value.
type Difference struct {
	Name string
	Old  *Value
	New  *Value
}

// Changed are the columns that are known to have changed: all of a new row where nothing is known of the
// old one. A column that the log did not carry has not changed.
func (c *Change) Changed() []Difference {
	var out []Difference
	for i := range c.After {
		after := &c.After[i]
		if after.Value.IsUnavailable() {
			continue
		}
		d := Difference{Name: after.Name, New: &after.Value}
		if old := c.known(after.Name); old != nil {
			if old.Equal(&after.Value) {
				continue
			}
			if !old.IsUnavailable() {
				d.Old = old
			}
		}
		out = append(out, d)
	}
	return out
}

// known is a column's value before the change, nil where the envelope does not say.
func (c *Change) known(name string) *Value {
	if c.KeyOnly && !has(c.Key, name) {
		return nil
	}
	for i := range c.Before {
		if c.Before[i].Name == name {
			return &c.Before[i].Value
		}
	}
	return nil
}

func has(columns []Column, name string) bool {
	return slices.ContainsFunc(columns, func(c Column) bool { return c.Name == name })
}

// columns are a record's fields under the names that the database gave them.
func columns(v *Value) []Column {
	if v.IsNull() || v.Type.Kind != Record {
		return nil
	}
	out := make([]Column, len(v.Items))
	for i := range v.Items {
		out[i] = Column{schema.Unescape(v.Type.Fields[i].Name), v.Items[i]}
	}
	return out
}

func text(v *Value, field string) string {
	f := v.Field(field)
	return string(f.Raw)
}

// instant is ts_us, else ts_ms, which older versions of Debezium have alone; zero where there is neither.
func instant(v *Value) time.Time {
	if us := v.Field("ts_us"); !us.IsNull() {
		return time.UnixMicro(us.Int)
	}
	if ms := v.Field("ts_ms"); !ms.IsNull() {
		return time.UnixMilli(ms.Int)
	}
	return time.Time{}
}

// markUnavailable gives the columns that rdip's header names the mark, whatever stands in for them: for a
// number there is no marker.
func markUnavailable(row []Column, header []byte) {
	var names []string
	if header == nil || json.Unmarshal(header, &names) != nil {
		return
	}
	for i := range row {
		if slices.Contains(names, row[i].Name) {
			row[i].Value = Value{Type: &Type{Kind: String, Avro: "string"}, Raw: []byte(unavailable)}
		}
	}
}
