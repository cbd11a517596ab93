package decode

import (
	"strings"

	"rdip/schema"
)

// Evolution is what a table's columns have come to be between two schemas of its topic.
type Evolution struct {
	Added, Dropped []string // "name (type)"
	Retyped        []string // "name (old → new)"
}

// IsEmpty says whether no column changed.
func (e *Evolution) IsEmpty() bool { return len(e.Added)+len(e.Dropped)+len(e.Retyped) == 0 }

// Evolved compares the rows of two envelopes' schemas; of schemas that are none, the records themselves.
func Evolved(old, now *Type) Evolution {
	var e Evolution
	before, after := rowType(old), rowType(now)
	for _, f := range after.Fields {
		i := before.Field(f.Name)
		name := schema.Unescape(f.Name)
		switch {
		case i < 0:
			e.Added = append(e.Added, name+" ("+f.Type.spell()+")")
		case before.Fields[i].Type.spell() != f.Type.spell():
			e.Retyped = append(e.Retyped, name+" ("+before.Fields[i].Type.spell()+" → "+f.Type.spell()+")")
		}
	}
	for _, f := range before.Fields {
		if after.Field(f.Name) < 0 {
			e.Dropped = append(e.Dropped, schema.Unescape(f.Name)+" ("+f.Type.spell()+")")
		}
	}
	return e
}

// rowType is the type of an envelope's rows.
func rowType(t *Type) *Type {
	if i := t.Field("after"); i >= 0 {
		return t.Fields[i].Type.notNull()
	}
	return t
}

// notNull is a union's branch that is not null, where there is one alone.
func (t *Type) notNull() *Type {
	if t.Kind != Union {
		return t
	}
	var only *Type
	for _, branch := range t.Either {
		if branch.Kind == Null {
			continue
		}
		if only != nil {
			return t
		}
		only = branch
	}
	if only == nil {
		return nullType
	}
	return only
}

// spell is a type as a person reads it, without whether it may be null.
func (t *Type) spell() string {
	t = t.notNull()
	switch {
	case t.Kind == Array && t.Items != nil:
		return "array of " + t.Items.spell()
	case t.Name != "":
		return t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	}
	return t.Avro
}
