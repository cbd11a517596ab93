package convert

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"rdip/schema"
)

// InferOptions say what becomes of what has no type of its own.
type InferOptions struct {
	KeepNulls       bool // a null is an optional field of type bytes, and not left out
	KeepEmptyArrays bool // an empty array is one of strings, and not left out
	Inside          bool // the schema will stand in a record that has a namespace, and says that it has none
}

// What an inferred schema may be at most: a row may hold any JSON, and a registry takes no more anyway.
const (
	mostSchemaBytes = 1 << 20
	mostNameBytes   = 4096 // of a record, whose name is that of the record that it is in, and the field's
)

// Infer makes a schema for a JSON object, and the object's Avro, as Debezium's JsonSchemaData does: every field is
// optional, an array's items are of one type, its objects share one record. The schema is a ["null", record]
// named name. ok is false for what is no object, or has no such schema, or none within reason.
func Infer(name string, text []byte, o InferOptions) (avroSchema string, avro []byte, ok bool) {
	t, err := parseTree(string(text))
	if err != nil || t.delim != '{' {
		return "", nil, false
	}
	in := inferrer{o: o, names: map[string]bool{}}
	root := in.infer(name, t)
	if in.failed || root == nil {
		return "", nil, false
	}
	avroSchema = string(in.appendType(nil, root))
	if in.failed {
		return "", nil, false
	}
	return avroSchema, appendInferred(nil, root, t), true
}

// inferred is a type that was made out of values.
type inferred struct {
	kind   schema.Kind
	name   string // of a record
	fields []inferredField
	at     map[string]int // of many fields: their places
	items  *inferred
	isNull bool // only nulls were seen
	always bool // of an array's items: none is null, and the schema does not allow it
	nulls  bool // of an array: one of its items is null
}

type inferredField struct {
	name string
	typ  *inferred
}

type inferrer struct {
	o      InferOptions
	names  map[string]bool // of the records that were written
	failed bool
}

// infer is the type of a value; nil for one that is left out.
func (in *inferrer) infer(name string, t *tree) *inferred {
	switch t.delim {
	case '{':
		return in.object(name, t)
	case '[':
		return in.array(name, t)
	}
	switch v := t.value.(type) {
	case string:
		return &inferred{kind: schema.String}
	case bool:
		return &inferred{kind: schema.Boolean}
	case json.Number:
		return &inferred{kind: numberKind(v)}
	default:
		if in.o.KeepNulls {
			return &inferred{kind: schema.Bytes, isNull: true}
		}
		return nil
	}
}

func numberKind(n json.Number) schema.Kind {
	v, err := strconv.ParseInt(n.String(), 10, 64)
	switch {
	case err != nil:
		return schema.Double
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return schema.Int
	default:
		return schema.Long
	}
}

func (in *inferrer) object(name string, t *tree) *inferred {
	out := &inferred{kind: schema.Record, name: name}
	for i, field := range t.names {
		below := "" // a scalar has no name
		if t.items[i].delim != 0 {
			below = name + "." + field
		}
		if in.failed = in.failed || !nameable(field, below); in.failed {
			return nil
		}
		if typ := in.infer(below, t.items[i]); typ != nil {
			out.add(field, typ)
		}
	}
	return out
}

// nameable says whether Avro can name a field, and the record in it: escapes help against any character, but not
// where there is none.
func nameable(field, record string) bool {
	return field != "" && len(record) <= mostNameBytes && !strings.HasSuffix(record, ".") && !strings.Contains(record, "..")
}

// add puts a field behind the others.
func (t *inferred) add(name string, typ *inferred) {
	t.fields = append(t.fields, inferredField{name, typ})
	switch {
	case t.at != nil:
		t.at[name] = len(t.fields) - 1
	case len(t.fields) > manyNames:
		t.at = make(map[string]int, 2*len(t.fields))
		for i := range t.fields {
			t.at[t.fields[i].name] = i
		}
	}
}

// field is a field's type, nil where there is no such field; it may be set.
func (t *inferred) field(name string) **inferred {
	if t.at != nil {
		if i, ok := t.at[name]; ok {
			return &t.fields[i].typ
		}
		return nil
	}
	for i := range t.fields {
		if t.fields[i].name == name {
			return &t.fields[i].typ
		}
	}
	return nil
}

// array is the type of an array, whose items are of one. Objects that differ in their fields have a record that is not
// optional, for that is what mergeSchema of Debezium's makes of them; here a null among them keeps it optional.
func (in *inferrer) array(name string, t *tree) *inferred {
	var items, first *inferred
	out := &inferred{kind: schema.Array}
	differ := false
	for _, item := range t.items {
		if item.delim == 0 && item.value == nil {
			out.nulls = true
			continue
		}
		next := in.infer(name, item)
		if first == nil {
			first = next.clone()
		}
		differ = differ || !first.equal(next)
		items = in.merge(items, next)
	}
	switch {
	case items != nil:
		items.always = items.kind == schema.Record && differ && !out.nulls
		out.items = items
		return out
	case len(t.items) == 0 && in.o.KeepEmptyArrays:
		out.items = &inferred{kind: schema.String}
		return out
	case len(t.items) > 0:
		in.failed = true // nothing but nulls: no type is known
	}
	return nil
}

// merge is the type that takes both; where there is none, the object has no schema.
func (in *inferrer) merge(a, b *inferred) *inferred {
	switch {
	case a == nil || a.isNull && b != nil:
		return b
	case b == nil || b.isNull:
		return a
	case a.kind != b.kind:
		in.failed = true
	case a.kind == schema.Array:
		a.nulls = a.nulls || b.nulls
		if a.items = in.merge(a.items, b.items); a.nulls {
			a.items.always = false
		}
	case a.kind == schema.Record:
		for _, f := range b.fields {
			if old := a.field(f.name); old == nil {
				a.add(f.name, f.typ)
			} else {
				*old = in.merge(*old, f.typ)
			}
		}
	}
	return a
}

// appendType writes the type, with null unless it is always there, as an Avro schema.
func (in *inferrer) appendType(dst []byte, t *inferred) []byte {
	if t.always {
		return in.appendRecord(dst, t)
	}
	dst = append(dst, `["null",`...)
	switch t.kind {
	case schema.Array:
		dst = append(in.appendType(append(dst, `{"type":"array","items":`...), t.items), '}')
	case schema.Record:
		dst = in.appendRecord(dst, t)
	default:
		dst = append(append(append(dst, '"'), t.kind.String()...), '"')
	}
	return append(dst, ']')
}

func (in *inferrer) appendRecord(dst []byte, t *inferred) []byte {
	full := schema.AvroNamespace(t.name)
	if in.names[full] {
		in.failed = true // two objects of one name, in arrays of arrays
	}
	in.names[full] = true
	if len(dst) > mostSchemaBytes || in.failed {
		in.failed = true
		return dst
	}
	namespace, name := "", full
	for i := len(full) - 1; i >= 0; i-- {
		if full[i] == '.' {
			namespace, name = full[:i], full[i+1:]
			break
		}
	}
	dst = appendText(append(dst, `{"type":"record","name":`...), name)
	if namespace != "" || in.o.Inside {
		dst = appendText(append(dst, `,"namespace":`...), namespace)
	}
	dst = append(dst, `,"fields":[`...)
	for i, f := range t.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"name":`...), schema.AvroName(f.name))
		dst = append(in.appendType(append(dst, `,"type":`...), f.typ), `,"default":null}`...)
		if len(dst) > mostSchemaBytes {
			in.failed = true
			return dst
		}
	}
	return append(appendText(append(dst, `],"connect.name":`...), full), '}')
}

// clone is a copy of the type that merging leaves as it is: of a record its fields, and theirs.
func (t *inferred) clone() *inferred {
	if t == nil {
		return nil
	}
	out := *t
	out.items, out.fields, out.at = t.items.clone(), nil, nil
	for _, f := range t.fields {
		out.add(f.name, f.typ.clone())
	}
	return &out
}

// equal says whether two types have the same fields in the same order.
func (t *inferred) equal(o *inferred) bool {
	if t == nil || o == nil {
		return t == o
	}
	return t.kind == o.kind && t.isNull == o.isNull && t.items.equal(o.items) &&
		slices.EqualFunc(t.fields, o.fields, func(a, b inferredField) bool { return a.name == b.name && a.typ.equal(b.typ) })
}

// appendInferred writes a value that is not null as Avro, without the union's index.
func appendInferred(dst []byte, t *inferred, v *tree) []byte {
	switch t.kind {
	case schema.Record:
		for _, f := range t.fields {
			dst = appendInferredOptional(dst, f.typ, v.get(f.name))
		}
		return dst
	case schema.Array:
		if len(v.items) > 0 {
			dst = binary.AppendVarint(dst, int64(len(v.items)))
			for _, item := range v.items {
				dst = appendInferredOptional(dst, t.items, item)
			}
		}
		return append(dst, 0)
	case schema.Boolean:
		if v.value == true {
			return append(dst, 1)
		}
		return append(dst, 0)
	case schema.String:
		s, _ := v.value.(string)
		return append(binary.AppendVarint(dst, int64(len(s))), s...)
	case schema.Double:
		n, _ := v.value.(json.Number)
		f, _ := n.Float64() // beyond the largest it is infinite, as Java's
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
	default:
		n, _ := v.value.(json.Number)
		i, _ := n.Int64() // numberKind has read it
		return binary.AppendVarint(dst, i)
	}
}

func appendInferredOptional(dst []byte, t *inferred, v *tree) []byte {
	switch {
	case t.always:
		return appendInferred(dst, t, v)
	case v == nil || v.delim == 0 && v.value == nil || t.isNull:
		return append(dst, 0)
	}
	return appendInferred(append(dst, 2), t, v)
}
