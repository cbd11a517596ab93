package postgres

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"rdip/envelope"
	"rdip/snapshot"
)

// savedPlan is a plan as text: enough to make the same chunks again, and to know whether they still mean the same
// rows. Pages and bytes are those of the moment of planning.
type savedPlan struct {
	OID        uint32      `json:"oid"`
	ChunkBytes int64       `json:"chunk_bytes"`
	Parts      []savedPart `json:"parts,omitempty"`
	Where      string      `json:"where,omitempty"`
	Select     string      `json:"select,omitempty"` // the statement in place of the table
	Keys       int         `json:"keys,omitempty"`   // how many different ones were asked for; 0 for all rows
	LeftOut    bool        `json:"left_out,omitempty"`
}

// savedPart is one table that holds rows. Its file node changes when it is rewritten or truncated (P69).
type savedPart struct {
	OID      uint32 `json:"oid"`
	FileNode uint32 `json:"file_node"`
	Pages    int64  `json:"pages"`
	Bytes    int64  `json:"bytes"`
}

// planning is what one table's plan is made from.
type planning struct {
	layout *envelope.Layout
	parts  []*part
	rows   rowChoice
	keys   [][]string // nil for all rows
	// leftOut: the configuration keeps the table out of snapshots; its plan has no chunk.
	leftOut    bool
	chunkBytes int64
}

// plan cuts the table.
func (p planning) plan() snapshot.TablePlan {
	t := p.layout.Table
	out := snapshot.TablePlan{Table: t, Saved: p.saved()}
	switch {
	case p.leftOut:
	case p.keys != nil:
		out.Rows, out.Chunks = int64(len(p.keys)), keyChunks(t, p.keys, p.rows.where)
	default:
		p.cut(&out)
	}
	return out
}

// cut divides all rows into ranges. An override's statement is read once, whatever its table's partitions are.
func (p planning) cut(out *snapshot.TablePlan) {
	parts := p.parts
	if p.rows.override != "" && len(parts) > 1 {
		parts = parts[:1]
	}
	for _, part := range parts {
		part.rows = p.rows
		out.Rows = addEstimate(out.Rows, part.leaf.Tuples)
		out.Bytes += part.bytes
		for _, r := range part.cut(p.chunkBytes) {
			out.Chunks = append(out.Chunks, snapshot.Chunk{Table: p.layout.Table, Index: len(out.Chunks), Range: r, Bytes: r.weight()})
		}
	}
	if p.rows != (rowChoice{}) {
		out.Rows = -1
	}
}

func (p planning) saved() string {
	s := savedPlan{OID: uint32(p.layout.Table.OID), ChunkBytes: p.chunkBytes, Where: p.rows.where, Select: p.rows.override, Keys: len(p.keys), LeftOut: p.leftOut}
	for _, part := range p.parts {
		s.Parts = append(s.Parts, savedPart{OID: part.leaf.OID, FileNode: part.leaf.FileNode, Pages: part.pages, Bytes: part.bytes})
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // of numbers and strings: it cannot fail
	}
	return string(text)
}

// parseSavedPlan reads what saved wrote.
func parseSavedPlan(text string) (savedPlan, error) {
	var s savedPlan
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return savedPlan{}, fmt.Errorf("the stored plan %q cannot be read: %w", text, err)
	}
	for _, part := range s.Parts {
		if part.Pages < 0 || part.Pages > mostPages || part.Bytes < 0 {
			return savedPlan{}, fmt.Errorf("the stored plan %q has a table of %d pages and %d bytes", text, part.Pages, part.Bytes)
		}
	}
	return s, nil
}

// mostPages is above the highest number of a page (MaxBlockNumber in block.h).
const mostPages = 1<<32 - 1

// resume takes the sizes of a saved plan over, so that the chunks are cut as they were. It is false where the plan
// does not fit any more. Keys and an override's rows do not depend on where rows lie.
func (p *planning) resume(s savedPlan) bool {
	if s.OID != uint32(p.layout.Table.OID) || s.Where != p.rows.where || s.Select != p.rows.override || s.Keys != len(p.keys) || s.LeftOut != p.leftOut || s.ChunkBytes <= 0 {
		return false
	}
	p.chunkBytes = s.ChunkBytes
	if p.keys != nil || p.rows.override != "" {
		return true
	}
	if len(s.Parts) != len(p.parts) {
		return false
	}
	for i, was := range s.Parts {
		now := p.parts[i]
		if now.leaf.OID != was.OID || now.leaf.FileNode != was.FileNode {
			return false
		}
		now.pages, now.bytes = was.Pages, was.Bytes
	}
	return true
}

// ordered sorts plans into the order in which they should be read: by snapshot.priority, the higher first; then by
// snapshot.tables.order.by.row.count, which outranks lists in Debezium too; then as snapshot.include.collection.list names
// them, or without one table.include.list; then as they are.
func (c *Config) ordered(plans []snapshot.TablePlan) {
	priority, list := c.priorities(), c.SnapshotInclude
	if list.IsEmpty() {
		list = c.TableInclude
	}
	rank := func(p *snapshot.TablePlan) (first int, rows int64, listed int) {
		name := p.Table.Schema + "." + p.Table.Name
		listed = list.Index(name)
		switch c.SnapshotOrder {
		case OrderAscending:
			rows = p.Rows
		case OrderDescending:
			rows = -p.Rows
		}
		return priority.of(name), rows, listed
	}
	before := func(a, b *snapshot.TablePlan) int {
		pa, ra, la := rank(a)
		pb, rb, lb := rank(b)
		return cmp.Or(cmp.Compare(pb, pa), cmp.Compare(ra, rb), cmp.Compare(la, lb))
	}
	slices.SortStableFunc(plans, func(a, b snapshot.TablePlan) int { return before(&a, &b) })
	for i := range plans {
		plans[i].Lanes = c.SnapshotThreadsPerTable
		if i > 0 {
			plans[i].Rank = plans[i-1].Rank + min(1, before(&plans[i], &plans[i-1]))
		}
	}
}

// leftOut says whether snapshot.include.collection.list, or being there for its signals only, keeps a table out of
// snapshots.
func (c *Config) leftOut(t *table) bool {
	return t.ID() == c.SignalTable && c.SignalsOnly() || !c.SnapshotInclude.IsEmpty() && !c.SnapshotInclude.Match(t.Schema+"."+t.Name)
}
