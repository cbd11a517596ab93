package postgres

import (
	"fmt"
	"slices"
	"strings"

	"rdip/internal/fault"
	"rdip/schema"
	"rdip/snapshot"
)

const (
	// keysPerChunk is how many of the keys that were asked for are one chunk.
	keysPerChunk = 1000
	// keysPerQuery is how many are read by one statement at most; fewer where rows are large.
	keysPerQuery = 256
)

// keyRange is the rows with these keys.
type keyRange struct {
	oid   uint32
	keys  [][]string
	among [][]string // only those that have one of these keys too; nil for all
	where string     // a predicate that they satisfy too, "" for none
}

// Keys is a chunk of the rows that have these keys and were asked for, each read once. Its table is looked up when it is
// read.
func (l *live) Keys(t *schema.Table, keys [][]string, asked snapshot.Asked) (snapshot.Chunk, error) {
	if err := checkKeys(t, keys); err != nil {
		return snapshot.Chunk{}, err
	}
	return snapshot.Chunk{Table: t, Range: keyRange{oid: uint32(t.OID), keys: distinct(keys), among: asked.Keys, where: asked.Where}}, nil
}

func checkKeys(t *schema.Table, keys [][]string) error {
	refuse := func(cause error, hint string) error {
		return &fault.Error{Kind: fault.Configuration, Op: "read keys of", Object: "table " + t.ID(), Cause: cause, Hint: hint, Permanent: true}
	}
	if !t.HasKey() {
		return refuse(fmt.Errorf("the table has no key"), "ask for its rows by a predicate, or for the whole table")
	}
	for _, k := range keys {
		if len(k) != len(t.Key) {
			return refuse(fmt.Errorf("a key has %d values, and the table's has %d columns (%s)", len(k), len(t.Key), keyColumnNames(t)), "give one value a column, in this order; none of them can be NULL")
		}
		for _, v := range k {
			if strings.ContainsRune(v, 0) {
				return refuse(fmt.Errorf("a value has a zero byte, which no text of PostgreSQL's can have"), "leave it out")
			}
		}
	}
	return nil
}

func keyColumnNames(t *schema.Table) string {
	names := make([]string, len(t.Key))
	for i, at := range t.Key {
		names[i] = t.Columns[at].Name
	}
	return strings.Join(names, ", ")
}

// distinct is the keys without repetitions, in their order.
func distinct(keys [][]string) [][]string {
	seen := make(map[string]bool, len(keys))
	var out [][]string
	for _, k := range keys {
		id := fmt.Sprintf("%q", k)
		if !seen[id] {
			seen[id] = true
			out = append(out, slices.Clone(k))
		}
	}
	return out
}

// keyChunks are the chunks of keys that were asked for.
func keyChunks(t *schema.Table, keys [][]string, where string) []snapshot.Chunk {
	var chunks []snapshot.Chunk
	for part := range slices.Chunk(distinct(keys), keysPerChunk) {
		chunks = append(chunks, snapshot.Chunk{Table: t, Index: len(chunks), Range: keyRange{oid: uint32(t.OID), keys: part, where: where}})
	}
	return chunks
}

// keysAtOnce is how many keys one statement reads.
func (t *liveTable) keysAtOnce() int {
	if t.rowBytes <= 0 {
		return keysPerQuery
	}
	return int(min(max(windowStepBytes/t.rowBytes, 1), keysPerQuery))
}

// keysSQL reads the rows of a range that have these keys of it, in their order, each behind the key's number. A
// partitioned table's partitions are read with it.
func (t *liveTable) keysSQL(r keyRange, keys [][]string) string {
	table := quoteTable(t.unit.Schema, t.unit.Name)
	sql := fmt.Sprintf(`COPY (SELECT "rdip keys"."rdip number", %s FROM %s JOIN %s ON %s`, strings.Join(t.columns(table+"."), ", "),
		t.keyValues("rdip keys", keys), t.unit.from(), t.comparison(`"rdip keys"`))
	var conditions []string
	if r.where != "" {
		conditions = append(conditions, "("+r.where+"\n)")
	}
	if len(r.among) > 0 { // compared as the keys are: one key may be written in several ways
		conditions = append(conditions, "EXISTS (SELECT FROM "+t.keyValues("rdip among", r.among)+" WHERE "+t.comparison(`"rdip among"`)+")")
	}
	if len(conditions) > 0 {
		sql += " WHERE " + strings.Join(conditions, " AND ")
	}
	return sql + ` ORDER BY 1) TO STDOUT`
}

// keyValues is keys with their numbers as a relation of that name. Values are literals that the server casts to the
// column's type.
func (t *liveTable) keyValues(name string, keys [][]string) string {
	var b strings.Builder
	b.WriteString("(VALUES ")
	for i, key := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d", i)
		for j, v := range key {
			fmt.Fprintf(&b, ", %s::%s", quoteLiteral(v), t.key[j].cast)
		}
		b.WriteString(")")
	}
	fmt.Fprintf(&b, `) AS %s("rdip number"`, quoteIdentifier(name))
	for i := range t.key {
		fmt.Fprintf(&b, ", %s", quoteIdentifier(fmt.Sprintf("rdip key %d", i)))
	}
	b.WriteString(")")
	return b.String()
}

// columns names the layout's columns, each behind a qualifier.
func (t *liveTable) columns(qualifier string) []string {
	names := columnNames(t.layout)
	for i := range names {
		names[i] = qualifier + names[i]
	}
	return names
}

// from is the unit in a FROM clause: all of a partitioned table, and nothing of the children of legacy
// inheritance (P13).
func (u *unit) from() string {
	if u.Kind == 'p' {
		return quoteTable(u.Schema, u.Name)
	}
	return "ONLY " + quoteTable(u.Schema, u.Name)
}
