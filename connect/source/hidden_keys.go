package source

import (
	"crypto/rand"
	"errors"
	"maps"
	"slices"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

// hiddenKeys are the tables of whose key a column may not leave otherwise than its records have it.
func (t *Task) hiddenKeys(captured []*schema.Table) map[string]bool {
	tables := map[string]bool{}
	for _, table := range captured {
		hidden := t.Reshape.Hidden(table)
		tables[table.ID()] = slices.ContainsFunc(table.Key, func(at int) bool { return hidden[at] })
	}
	return tables
}

// forTopic is how far a table's reading has come, as the topic of positions may have it: in Kafka, keys that are hidden
// are not told. A start that has not the file's copy, which is whole, reads the rest of a part without them from the
// part's beginning and, where rows are owed, the table from its own; where rows were asked for by their keys, before the
// key was hidden, it reads them all. t is the file's. The caller holds mu.
func (g *ledger) forTopic(id string, t *offsets.TableSnapshot) offsets.TableSnapshot {
	shows := t.Rest != nil && t.Rest.Keys
	t.Whole = ""
	whole := len(t.Owed) > 0 || len(t.Keys) > 0
	if !g.hiddenKeys[id] || !shows && !whole {
		return *t
	}
	t.Whole = rand.Text()
	told := *t
	if shows {
		told.Rest = nil
	}
	if whole {
		told.Owed, told.Keys, told.Plan, told.Chunks, told.Done, told.Rest = nil, nil, "", 0, offsets.Ranges{}, nil
	}
	return told
}

// whole are the topic's tables, those that it has in part as the file has them, if it has the same.
func (k *known) whole() map[string]offsets.TableSnapshot {
	tables := maps.Clone(k.inTopic.Tables)
	for id, t := range tables {
		if copied, ok := k.tables[id]; ok && t.Whole != "" && copied.Whole == t.Whole {
			tables[id] = copied
		}
	}
	return tables
}

// mayAsk refuses keys that would be in the topic of positions and are hidden. The caller holds mu.
func (g *ledger) mayAsk(asked []snapshot.Asked) error {
	for _, a := range asked {
		if g.exact != nil && a.Keys != nil && g.hiddenKeys[a.Table] {
			return &fault.Error{Kind: fault.Configuration, Op: "snapshot", Object: "table " + a.Table, Permanent: true,
				Cause: errors.New("a column of its key is left out, masked, hashed or cut, and where delivery is exactly once the keys that are asked for are in the topic of positions"),
				Hint:  "ask for the whole table, or --where with a condition on columns that are not hidden: it is in that topic as it is typed"}
		}
	}
	return nil
}
