// Package compatibility judges whether one Avro schema may follow another under a subject, as a schema
// registry must: by the rules, and with the verdicts, of Java's org.apache.avro.SchemaCompatibility
// (Avro 1.12), which is what Confluent's registry asks. The embedded registry refuses by it, and the
// registry client explains a refusal by it.
//
// Everything here is a pure function of its arguments and safe for concurrent use.
package compatibility

import (
	"crypto/sha256"
	"fmt"

	"github.com/twmb/avro"
)

// Schema is a parsed Avro schema: what decides compatibility and what decides sameness, nothing else.
// It is immutable.
type Schema struct {
	root   *node
	exact  [sha256.Size]byte
	normal [sha256.Size]byte
}

// node is one type in a schema. A reference to a named type is the same *node as its definition, so a
// recursive schema is a cyclic graph.
type node struct {
	kind        string   // record, enum, fixed, array, map, union or a primitive's name
	name        string   // full name of a record, enum or fixed
	aliases     []string // full names
	fields      []field
	items       *node // of an array or a map
	branches    []*node
	symbols     []string
	size        int64 // of a fixed, bytes
	enumDefault string
}

type field struct {
	name       string
	aliases    []string
	typ        *node
	hasDefault bool
}

// Parse reads a schema as Java's parser does with defaults validated. Differences from twmb/avro, which
// checks structure and defaults here: a logicalType never makes a schema invalid (Java ignores one that
// does not fit), fields may share an alias, and names may hold letters of any script. Where Java lets an impossible default pass
// (an enum's that is no symbol, a fixed's of the wrong length) Parse refuses it.
func Parse(text string) (*Schema, error) {
	doc, err := decode(text)
	if err != nil {
		return nil, err
	}
	bare, err := encode(checkable(doc))
	if err != nil {
		return nil, err
	}
	// Names are checked by graph below, which knows a name from a namespace.
	if _, err := avro.Parse(string(bare), avro.WithLaxNames(nil)); err != nil {
		return nil, err
	}
	g := graph{named: map[string]*node{}}
	root, normal, err := g.build(doc, "")
	if err != nil {
		return nil, err
	}
	exact, err := encode(collapsed(doc))
	if err != nil {
		return nil, err
	}
	normalText, err := encode(normal)
	if err != nil {
		return nil, err
	}
	return &Schema{root: root, exact: sha256.Sum256(exact), normal: sha256.Sum256(normalText)}, nil
}

// Exact identifies the schema by its JSON value: white space, the order of keys and {"type":"int"} for
// "int" do not matter, everything else does. A registry gives one id to one Exact.
func (s *Schema) Exact() [sha256.Size]byte { return s.exact }

// Normal identifies the schema with names and references written in full as well, which is what a
// registration with normalize=true compares.
func (s *Schema) Normal() [sha256.Size]byte { return s.normal }

func invalid(format string, args ...any) error { return fmt.Errorf("invalid schema: "+format, args...) }
