package decode

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/avro"
)

// Kind is an Avro type.
type Kind uint8

// Avro's types.
const (
	Null Kind = iota
	Boolean
	Int
	Long
	Float
	Double
	Bytes
	String
	Fixed
	Enum
	Array
	Map
	Record
	Union
)

var kinds = map[string]Kind{
	"null": Null, "boolean": Boolean, "int": Int, "long": Long, "float": Float, "double": Double, "bytes": Bytes,
	"string": String, "fixed": Fixed, "enum": Enum, "array": Array, "map": Map, "record": Record, "error": Record,
}

// Type is one type of a writer's schema. It is read only and may be recursive.
type Type struct {
	Kind Kind
	// Avro is the name of the type in a union: a named type's full name, else Avro's own name for it.
	Avro string
	// Name is Kafka Connect's name for the meaning, such as io.debezium.time.Date; empty for a plain type.
	Name   string
	Fields []Field  // of a Record, in order
	Items  *Type    // of an Array and, for its values, of a Map
	Either []*Type  // the branches of a Union
	Labels []string // of an Enum
	Size   int      // of a Fixed, in bytes
	Scale  int      // of a Decimal
	Length int      // of io.debezium.data.Bits, in bits; 0 where unknown
}

// Field is one field of a record.
type Field struct {
	Name string // as Avro has it
	Type *Type
}

// Field is the index of the field with the name, -1 where a record has none.
func (t *Type) Field(name string) int {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Parse reads a schema, Avro as JSON.
func Parse(text string) (*Type, error) {
	s, err := avro.Parse(text)
	if err != nil {
		return nil, err
	}
	c := compiler{named: map[string]*Type{}}
	t := c.compile(s.Root(), "")
	return t, c.err
}

// compiler keeps the named types that it has met: Avro writes each in full once, and by name afterwards.
type compiler struct {
	named map[string]*Type
	err   error
}

// compile reads n, which stands in a type of the given namespace.
func (c *compiler) compile(n *avro.SchemaNode, namespace string) *Type {
	if n.Type == "union" {
		t := &Type{Kind: Union, Avro: "union"}
		for i := range n.Branches {
			t.Either = append(t.Either, c.compile(&n.Branches[i], namespace))
		}
		return t
	}
	kind, ok := kinds[n.Type]
	if !ok {
		return c.reference(n.Type, namespace)
	}
	t := &Type{Kind: kind, Avro: n.Type, Size: n.Size, Labels: n.Symbols, Scale: n.Scale}
	if n.Name != "" {
		t.Avro = fullName(n)
		c.named[t.Avro] = t
		namespace = t.Avro[:max(0, strings.LastIndexByte(t.Avro, '.'))]
	}
	t.meaning(n)
	c.parts(t, n, namespace)
	return t
}

// reference finds a type by its name: a short one is of the namespace that it stands in.
func (c *compiler) reference(name, namespace string) *Type {
	full := name
	if namespace != "" && !strings.Contains(name, ".") {
		full = namespace + "." + name
	}
	if t, ok := c.named[full]; ok {
		return t
	}
	if t, ok := c.named[name]; ok {
		return t
	}
	c.err = errors.Join(c.err, fmt.Errorf("the type %q is used before it is defined", name))
	return &Type{}
}

func (c *compiler) parts(t *Type, n *avro.SchemaNode, namespace string) {
	for i := range n.Fields {
		t.Fields = append(t.Fields, Field{n.Fields[i].Name, c.compile(&n.Fields[i].Type, namespace)})
	}
	switch t.Kind {
	case Array:
		t.Items = c.compile(n.Items, namespace)
	case Map:
		t.Items = c.compile(n.Values, namespace)
	}
}

// meaning takes over what Confluent's AvroData writes beside the Avro type, and Avro's own decimal.
func (t *Type) meaning(n *avro.SchemaNode) {
	t.Name, _ = n.Props["connect.name"].(string)
	if t.Kind == Record && t.Name == t.Avro && !strings.HasPrefix(t.Name, "io.debezium.") {
		t.Name = "" // a row's, which says nothing
	}
	if t.Name == "" && n.LogicalType == "decimal" {
		t.Name = decimalName
	}
	params, _ := n.Props["connect.parameters"].(map[string]any)
	if length, ok := params["length"].(string); ok {
		t.Length, _ = strconv.Atoi(length)
	}
	if scale, ok := params["scale"].(string); ok && t.Name == decimalName {
		t.Scale, _ = strconv.Atoi(scale)
	}
}

func fullName(n *avro.SchemaNode) string {
	if n.Namespace == "" || strings.Contains(n.Name, ".") {
		return n.Name
	}
	return n.Namespace + "." + n.Name
}
