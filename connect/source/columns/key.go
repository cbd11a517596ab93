package columns

import (
	"fmt"
	"slices"
	"strings"

	"rdip/internal/fault"
	"rdip/schema"
)

// chooseKey replaces a table's key where message.key.columns names one, in its order (Debezium's
// Key.CustomKeyMapper). The old key stays what the log identifies old rows by.
func (r *Reshape) chooseKey(t *schema.Table) error {
	chosen := r.keyOf(t)
	if len(chosen) == 0 {
		return nil
	}
	known := t.OldColumns()
	if t.Before == schema.BeforeKey {
		for _, i := range chosen {
			if !slices.Contains(known, i) {
				return unknownKey(t, i, known)
			}
		}
	}
	t.Identity = slices.Clone(known)
	if t.Identity == nil {
		t.Identity = []int{}
	}
	t.Key = chosen
	return nil
}

// keyOf is the columns that message.key.columns names for a table, each once, in its order; none: the table's
// own key.
func (r *Reshape) keyOf(t *schema.Table) []int {
	var chosen []int
	for _, k := range r.keys {
		for _, p := range k.columns {
			for i := range t.Columns {
				if p.Match(columnName(t, &t.Columns[i])) && !slices.Contains(chosen, i) {
					chosen = append(chosen, i)
				}
			}
		}
	}
	return chosen
}

// unknownKey: the key of a deleted row, and whether an update changes the key, could not be told. Nothing is
// guessed.
func unknownKey(t *schema.Table, i int, known []int) error {
	names := make([]string, len(known))
	for n, k := range known {
		names[n] = t.Columns[k].Name
	}
	return &fault.Error{Kind: fault.Configuration, Op: "key by message.key.columns", Object: "table " + t.ID(), Permanent: true,
		Cause: fmt.Errorf("column %s is in the key, and of an old row the log carries only %s", t.Columns[i].Name, strings.Join(names, ", ")),
		Hint:  "ALTER TABLE " + t.ID() + " REPLICA IDENTITY FULL, or a key of those columns"}
}
