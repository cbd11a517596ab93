package convert

import (
	"fmt"
	"slices"

	"rdip/schema"
)

// Added is a field that stands behind a row's own.
type Added struct {
	Name string // as people write it; Avro's escapes are added
	// Type is Avro's text of the type; every added field is a ["null", Type].
	Type string
}

// RowSchema is the Avro schema of the rows alone that an envelope holds: its record Value, with more fields.
// The error names a field that the row has already.
func (s *Schema) RowSchema(added []Added) (string, error) {
	at := s.root.typ.index("before")
	if at < 0 || s.root.typ.fields[at].slot.typ.kind != schema.Record {
		return "", fmt.Errorf("the schema is not an envelope's")
	}
	row := s.root.typ.fields[at].slot.typ
	out := []byte(`{"type":"record","name":"Value","namespace":`)
	out = append(appendText(out, s.namespace), `,"fields":[`...)
	for i, f := range row.text.get("fields").items {
		if i > 0 {
			out = append(out, ',')
		}
		out = f.append(out)
	}
	for i, a := range added {
		if row.index(a.Name) >= 0 {
			return "", fmt.Errorf("the row has a column %q already", a.Name)
		}
		if slices.ContainsFunc(added[:i], func(other Added) bool { return other.Name == a.Name }) {
			return "", fmt.Errorf("two added fields are named %q", a.Name)
		}
		if i > 0 || len(row.fields) > 0 {
			out = append(out, ',')
		}
		out = appendText(append(out, `{"name":`...), schema.AvroName(a.Name))
		out = append(append(append(out, `,"type":["null",`...), a.Type...), `],"default":null}`...)
	}
	out = append(out, `],"connect.name":`...)
	return string(append(appendText(out, s.namespace+".Value"), '}')), nil
}

// Plain is Avro's text of the column's type, without its default and without null.
func (c Column) Plain() string {
	return string(c.s.typ.text.without("connect.default").append(nil))
}

// Schema is Avro's text of the column with what it has of null and its default, as it stands in the table's rows. Field is
// the same as a record's field.
func (c Column) Schema() string {
	whole := string(c.s.typ.text.append(nil))
	switch {
	case !c.s.optional:
		return whole
	case c.s.null == 0:
		return `["null",` + whole + `]`
	default:
		return `[` + whole + `,"null"]`
	}
}

// Field is Avro's text of the column as a field of a record.
func (c Column) Field(name string) string {
	out := appendText([]byte(`{"name":`), schema.AvroName(name))
	out = append(append(out, `,"type":`...), c.Schema()...)
	switch {
	case c.s.optional && c.s.null == 0:
		out = append(out, `,"default":null`...)
	case c.s.typ.def != nil:
		out = c.s.typ.def.append(append(out, `,"default":`...))
	}
	return string(append(out, '}'))
}
