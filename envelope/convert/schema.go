package convert

import (
	"fmt"
	"strconv"
	"strings"

	"rdip/schema"
)

// mapEntry is the record in which AvroData writes an entry of a map whose keys are no strings.
const mapEntry = "io.confluent.connect.avro.MapEntry"

// Schema is an Avro schema as Connect understands it. It is read only.
type Schema struct {
	root      slot
	namespace string // of the root, where it is a record
}

// slot is a place for a value: a type, and whether it may be null.
type slot struct {
	typ      *typ
	optional bool
	null     int64 // of an optional: the union's index of null
}

// typ is one type with the properties that make it a Connect schema.
type typ struct {
	kind    schema.Kind
	connect string // Connect's name of the type: "int16", "struct"
	name    string // the Connect schema's name, "" for none
	version string // digits, "" for none
	doc     string
	params  *tree // nil for none
	def     *tree // connect.default, nil for none
	scale   int   // of a Decimal
	fields  []field
	items   slot // of an array and, for its values, of a map
	isPairs bool // an array that is a map with keys of another kind than string
	text    *tree
}

// field is one field of a record. Its name is the column's own, not what Avro can hold of it.
type field struct {
	name  string
	label []byte // the name as JSON, and a colon
	slot  slot
}

// ParseSchema reads the text of an Avro schema.
func ParseSchema(text string) (*Schema, error) {
	t, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	p := parser{named: map[string]*typ{}}
	s := &Schema{root: p.slot(t, "")}
	if t.delim == '{' {
		s.namespace = t.text("namespace")
	}
	return s, p.err
}

// parser keeps the named types: Avro writes each in full once, and by name afterwards.
type parser struct {
	named map[string]*typ
	err   error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *parser) slot(t *tree, namespace string) slot {
	if t.delim != '[' {
		return slot{typ: p.typ(t, namespace)}
	}
	s := slot{optional: true, null: -1}
	for i, branch := range t.items {
		if branch.value == "null" && branch.delim == 0 {
			s.null = int64(i)
			continue
		}
		s.typ = p.typ(branch, namespace)
	}
	if len(t.items) != 2 || s.null < 0 || s.typ == nil {
		p.fail("a union that is not one type and null")
		s.typ = &typ{}
	}
	return s
}

var kinds = map[string]schema.Kind{
	"boolean": schema.Boolean, "int": schema.Int, "long": schema.Long, "float": schema.Float, "double": schema.Double,
	"bytes": schema.Bytes, "string": schema.String, "array": schema.Array, "map": schema.Map, "record": schema.Record,
}

// connectNames are Connect's names of the types, in the order of schema.Kind.
var connectNames = [...]string{"boolean", "int32", "int64", "float", "double", "bytes", "string", "array", "map", "struct"}

func (p *parser) typ(t *tree, namespace string) *typ {
	name, _ := t.value.(string)
	if t.delim == '{' {
		name = t.text("type")
	}
	kind, ok := kinds[name]
	if !ok {
		return p.reference(name, namespace)
	}
	out := &typ{kind: kind, connect: connectNames[kind], text: t}
	if t.delim != '{' {
		return out
	}
	p.properties(out, t)
	switch kind {
	case schema.Array:
		out.items = p.slot(orNull(t.get("items")), namespace)
		out.isPairs = out.items.typ.kind == schema.Record && out.items.typ.text.text("namespace")+"."+out.items.typ.text.text("name") == mapEntry
		if out.isPairs {
			out.connect = "map"
		}
	case schema.Map:
		out.items = p.slot(orNull(t.get("values")), namespace)
	case schema.Record:
		p.record(out, t, namespace)
	}
	return out
}

func orNull(t *tree) *tree {
	if t == nil {
		return &tree{}
	}
	return t
}

// properties are what AvroData leaves of a Connect schema.
func (p *parser) properties(out *typ, t *tree) {
	out.name, out.doc = schema.Unescape(t.text("connect.name")), t.text("connect.doc")
	out.params, out.def = t.get("connect.parameters"), t.get("connect.default")
	if v := t.get("connect.version"); v != nil {
		out.version = string(v.append(nil))
	}
	if narrow := t.text("connect.type"); narrow != "" {
		out.connect = narrow
	}
	if s := t.get("scale"); s != nil && out.name == schema.DecimalName {
		scale, err := strconv.Atoi(string(s.append(nil)))
		if err != nil {
			p.fail("the scale of a Decimal is %s", s.append(nil))
		}
		out.scale = scale
	}
	if out.params != nil && out.name == schema.DecimalName {
		if scale, err := strconv.Atoi(out.params.text("scale")); err == nil {
			out.scale = scale
		}
	}
}

func (p *parser) record(out *typ, t *tree, namespace string) {
	if own := t.get("namespace"); own != nil {
		namespace = t.text("namespace")
	}
	fields := orNull(t.get("fields"))
	for _, f := range fields.items {
		name := schema.Unescape(f.text("name"))
		label := append(appendJSONString(nil, []byte(name)), ':')
		out.fields = append(out.fields, field{name, label, p.slot(orNull(f.get("type")), namespace)})
	}
	p.named[namespace+"."+t.text("name")] = out // from here on: a record inside itself is refused as not defined
}

// reference finds a type by its name: a short one is of the namespace that it stands in.
func (p *parser) reference(name, namespace string) *typ {
	full := name
	if !strings.Contains(name, ".") {
		full = namespace + "." + name
	}
	if t := p.named[full]; t != nil {
		return t
	}
	p.fail("the type %q is not defined before it is used", name)
	return &typ{text: &tree{}}
}
