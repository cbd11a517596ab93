package compatibility

import (
	"fmt"
	"slices"
	"strings"
)

// Check says what keeps a reader that has the schema reader from reading everything that was written
// with writer; nothing when it can. It is org.apache.avro.SchemaCompatibility.checkReaderWriterCompatibility
// of Avro 1.12, rule for rule.
func Check(reader, writer *Schema) []Incompatibility {
	c := checker{memo: map[pair]*verdict{}}
	return c.check(reader.root, writer.root, place{})
}

type pair struct{ reader, writer *node }

// verdict is nil's opposite of "not yet known": while done is false the pair is being judged further up
// the stack, and is taken as compatible unless proven otherwise.
type verdict struct {
	done  bool
	found []Incompatibility
}

type checker struct{ memo map[pair]*verdict }

func (c *checker) check(r, w *node, at place) []Incompatibility {
	if v, ok := c.memo[pair{r, w}]; ok {
		if !v.done {
			return nil
		}
		return v.found
	}
	v := &verdict{}
	c.memo[pair{r, w}] = v
	v.found = c.judge(r, w, at)
	v.done = true
	return v.found
}

func (c *checker) judge(r, w *node, at place) []Incompatibility {
	switch {
	case w.kind == "union" && r.kind == "union":
		return c.unionReadsUnion(r, w, at)
	case w.kind == "union":
		var found []Incompatibility
		for i, b := range w.branches {
			found = append(found, c.check(r, b, at.in(fmt.Sprint(i), ""))...)
		}
		return found
	case r.kind == "union":
		return c.unionReads(r, w, at)
	case r.kind != w.kind:
		if slices.Contains(promotions[r.kind], w.kind) {
			return nil
		}
		return []Incompatibility{at.incompatible(TypeMismatch, r, w,
			fmt.Sprintf("reader type: %s not compatible with writer type: %s", kindName(r), kindName(w)))}
	}
	switch r.kind {
	case "array":
		return c.check(r.items, w.items, at.in("items", "[]"))
	case "map":
		return c.check(r.items, w.items, at.in("values", "{}"))
	case "fixed":
		return append(names(r, w, at), sizes(r, w, at)...)
	case "enum":
		return append(names(r, w, at), symbols(r, w, at)...)
	case "record":
		return append(names(r, w, at), c.fields(r, w, at)...)
	}
	return nil
}

// promotions are the writer's types that a reader's primitive takes besides its own.
var promotions = map[string][]string{
	"long": {"int"}, "float": {"int", "long"}, "double": {"int", "long", "float"},
	"bytes": {"string"}, "string": {"bytes"},
}

func (c *checker) unionReadsUnion(r, w *node, at place) []Incompatibility {
	var found []Incompatibility
	for i, b := range w.branches {
		inner := at.in(fmt.Sprint(i), "")
		if c.check(r, b, inner) != nil {
			found = append(found, c.lacking(r, b, inner))
		}
	}
	return found
}

// unionReads takes w when any branch does: Java tries all, where the specification picks one by name.
func (c *checker) unionReads(r, w *node, at place) []Incompatibility {
	for _, b := range r.branches {
		if c.check(b, w, at) == nil {
			return nil
		}
	}
	return []Incompatibility{c.lacking(r, w, at)}
}

// lacking says that no branch of r reads w. Where one was meant to, having w's kind and name, what kept
// it from doing so is the reason.
func (c *checker) lacking(r, w *node, at place) Incompatibility {
	inc := at.incompatible(MissingUnionBranch, r, w, "reader union lacking writer type: "+kindName(w))
	for _, b := range r.branches {
		if b.kind == w.kind && (b.name == "" || sameName(b, w)) {
			inc.because = c.check(b, w, at)
		}
	}
	return inc
}

func (c *checker) fields(r, w *node, at place) []Incompatibility {
	var found []Incompatibility
	for i, rf := range r.fields {
		inner := at.in("fields", "").in(fmt.Sprint(i), rf.name)
		matches := writerFields(rf, w)
		switch {
		case len(matches) == 1:
			found = append(found, c.check(rf.typ, matches[0].typ, inner.in("type", ""))...)
		case len(matches) > 1:
			// Java throws here, and a registry counts that as incompatible.
			found = append(found, inner.incompatible(AmbiguousField, rf.typ, w,
				fmt.Sprintf("reader field %s matches %d fields of the writer by name and aliases", rf.name, len(matches))))
		case rf.hasDefault:
		case rf.typ.kind == "enum" && rf.typ.enumDefault != "":
			// Java compares the enum with the writer's record, which never fits: its own wording of a missing field.
			found = append(found, c.check(rf.typ, w, inner.in("type", ""))...)
		default:
			found = append(found, inner.incompatible(MissingDefault, rf.typ, w, rf.name))
		}
	}
	return found
}

func writerFields(rf field, w *node) []field {
	var found []field
	for _, name := range append([]string{rf.name}, rf.aliases...) {
		for _, wf := range w.fields {
			if wf.name == name && !slices.ContainsFunc(found, func(f field) bool { return f.name == name }) {
				found = append(found, wf)
			}
		}
	}
	return found
}

// sameName compares the names without namespaces, then the reader's aliases in full.
func sameName(r, w *node) bool {
	_, rs := splitName(r.name)
	_, ws := splitName(w.name)
	return rs == ws || slices.Contains(r.aliases, w.name)
}

func names(r, w *node, at place) []Incompatibility {
	if sameName(r, w) {
		return nil
	}
	return []Incompatibility{at.in("name", "").incompatible(NameMismatch, r, w, "expected: "+w.name)}
}

func sizes(r, w *node, at place) []Incompatibility {
	if r.size == w.size {
		return nil
	}
	return []Incompatibility{at.in("size", "").incompatible(FixedSizeMismatch, r, w,
		fmt.Sprintf("expected: %d, found: %d", w.size, r.size))}
}

func symbols(r, w *node, at place) []Incompatibility {
	var missing []string
	for _, s := range w.symbols {
		if !slices.Contains(r.symbols, s) {
			missing = append(missing, s)
		}
	}
	if missing == nil || r.enumDefault != "" {
		return nil
	}
	slices.Sort(missing)
	return []Incompatibility{at.in("symbols", "").incompatible(MissingEnumSymbols, r, w, "["+strings.Join(missing, ", ")+"]")}
}

func kindName(n *node) string { return strings.ToUpper(n.kind) }
