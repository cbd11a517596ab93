package compatibility

import (
	"fmt"
	"strings"
)

// Kind is the kind of an Incompatibility, in Java's words, which registries pass on to their users.
type Kind string

// Java's SchemaIncompatibilityType, and one more.
const (
	NameMismatch       Kind = "NAME_MISMATCH"
	FixedSizeMismatch  Kind = "FIXED_SIZE_MISMATCH"
	MissingEnumSymbols Kind = "MISSING_ENUM_SYMBOLS"
	MissingDefault     Kind = "READER_FIELD_MISSING_DEFAULT_VALUE"
	TypeMismatch       Kind = "TYPE_MISMATCH"
	MissingUnionBranch Kind = "MISSING_UNION_BRANCH"
	// AmbiguousField is a reader's field that matches several of the writer's; Java throws for it.
	AmbiguousField Kind = "READER_FIELD_MATCHES_SEVERAL"
)

// Incompatibility is one reason why a reader cannot read what a writer wrote.
type Incompatibility struct {
	Kind    Kind
	Pointer string // where in the reader's schema, as a JSON pointer: /fields/1/type
	Path    string // the same as a user says it: after.price
	Message string // Java's detail: the missing field, the two types, ...
	Reader  string // the reader's type there, in full
	Writer  string // the writer's

	because []Incompatibility // of a union: why the branch that was meant does not fit
	forward bool              // the reader is the earlier schema
}

// String is Confluent's form of it, as its 409 and its verbose compatibility check have it.
func (i Incompatibility) String() string {
	reader, writer := "new", "old"
	if i.forward {
		reader, writer = writer, reader
	}
	return fmt.Sprintf("{errorType:'%s', description:'%s', additionalInfo:'%s'}", i.Kind, i.description(reader, writer), i.Message)
}

func (i Incompatibility) description(reader, writer string) string {
	switch i.Kind {
	case FixedSizeMismatch:
		return fmt.Sprintf("The size of FIXED type field at path '%s' in the %s schema does not match with the %s schema", i.Pointer, reader, writer)
	case TypeMismatch:
		return fmt.Sprintf("The type (path '%s') of a field in the %s schema does not match with the %s schema", i.Pointer, reader, writer)
	case NameMismatch:
		return fmt.Sprintf("The name of the schema has changed (path '%s')", i.Pointer)
	case MissingEnumSymbols:
		return fmt.Sprintf("The %s schema is missing enum symbols '%s' at path '%s' in the %s schema", reader, i.Message, i.Pointer, writer)
	case MissingUnionBranch:
		return fmt.Sprintf("The %s schema is missing a type inside a union field at path '%s' in the %s schema", reader, i.Pointer, writer)
	case MissingDefault:
		return fmt.Sprintf("The field '%s' at path '%s' in the %s schema has no default value and is missing in the %s schema", i.Message, i.Pointer, reader, writer)
	default:
		return fmt.Sprintf("The field at path '%s' in the %s schema matches several fields of the %s schema", i.Pointer, reader, writer)
	}
}

// Explain says in a line each, without repeating one, what changed between the two schemas that breaks
// readers. A union that lost a branch is explained by what is wrong inside the branch.
func Explain(found []Incompatibility) []string {
	var lines []string
	seen := map[string]bool{}
	var add func([]Incompatibility, bool)
	add = func(list []Incompatibility, forward bool) {
		for _, i := range list {
			if i.because != nil {
				add(i.because, forward || i.forward)
				continue
			}
			i.forward = i.forward || forward
			if line := i.explain(); !seen[line] {
				seen[line] = true
				lines = append(lines, line)
			}
		}
	}
	add(found, false)
	return lines
}

func (i Incompatibility) explain() string {
	was, is := i.Writer, i.Reader
	if i.forward {
		was, is = is, was
	}
	switch i.Kind {
	case MissingDefault:
		if i.forward {
			return i.Path + ": removed, and earlier readers need it: it had no default"
		}
		return i.Path + ": added without a default, so earlier records cannot be read"
	case MissingUnionBranch:
		if i.forward {
			return fmt.Sprintf("%s: now holds %s, which earlier readers (%s) cannot take", i.Path, i.Writer, i.Reader)
		}
		return fmt.Sprintf("%s: earlier records hold %s, and it is now %s", i.Path, i.Writer, i.Reader)
	case MissingEnumSymbols:
		if i.forward {
			return fmt.Sprintf("%s: enum symbols %s added, and earlier readers have no default", i.Path, i.Message)
		}
		return fmt.Sprintf("%s: enum symbols %s removed without a default", i.Path, i.Message)
	case AmbiguousField:
		return i.Path + ": " + i.Message
	case NameMismatch:
		return fmt.Sprintf("%s: name changed from %s to %s without an alias", i.Path, was, is)
	default:
		return fmt.Sprintf("%s: type changed from %s to %s", i.Path, was, is)
	}
}

// place is where a check stands in the reader's schema.
type place struct{ pointer, path string }

// in is a step down: token of the JSON pointer, name as a user says it ("" adds nothing).
func (p place) in(token, name string) place {
	path := p.path
	switch {
	case name == "":
	case path == "" || name == "[]" || name == "{}":
		path += name
	default:
		path += "." + name
	}
	token = strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	return place{pointer: p.pointer + "/" + token, path: path}
}

func (p place) incompatible(k Kind, r, w *node, message string) Incompatibility {
	pointer, path := p.pointer, p.path
	if pointer == "" {
		pointer = "/"
	}
	if path == "" {
		path = "(root)"
	}
	return Incompatibility{Kind: k, Pointer: pointer, Path: path, Message: message, Reader: describe(r), Writer: describe(w)}
}

func describe(n *node) string {
	switch n.kind {
	case "union":
		parts := make([]string, len(n.branches))
		for i, b := range n.branches {
			parts[i] = describe(b)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case "record", "enum":
		return n.kind + " " + n.name
	case "fixed":
		return fmt.Sprintf("fixed %s(%d)", n.name, n.size)
	case "array", "map":
		return n.kind + " of " + describe(n.items)
	default:
		return n.kind
	}
}
