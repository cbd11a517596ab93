package postgres

import (
	"fmt"
	"math/bits"
	"strings"

	"rdip/envelope"
	"rdip/snapshot"
)

// part is one table that holds rows of a unit: the unit's table itself, or one partition.
type part struct {
	leaf   *table
	layout *envelope.Layout // the unit's; the columns are found in the leaf by name (P12)
	pages  int64            // of the main fork
	bytes  int64            // with what is stored out of line
}

// ctidRange is a run of a part's pages; to is 0 where it is open-ended: the last one takes in what the table
// has grown by since it was measured.
type ctidRange struct {
	part     *part
	from, to int64
}

// cut divides a part into ranges of about chunkBytes, out-of-line values counted in.
func (p *part) cut(chunkBytes int64) []ctidRange {
	if p.bytes <= chunkBytes || p.pages <= 1 {
		return []ctidRange{{part: p}}
	}
	step := max(scale(p.pages, chunkBytes, p.bytes), 1)
	var ranges []ctidRange
	for from := int64(0); from < p.pages; from += step {
		ranges = append(ranges, ctidRange{part: p, from: from, to: from + step})
	}
	ranges[len(ranges)-1].to = 0
	return ranges
}

// scale is a*b/c without overflow, for positive numbers and a result of 63 bits.
func scale(a, b, c int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	if high >= uint64(c) {
		return 1<<63 - 1
	}
	n, _ := bits.Div64(high, low, uint64(c))
	return int64(min(n, 1<<63-1))
}

// weight is the range's share of its part's bytes.
func (r ctidRange) weight() int64 {
	to := r.to
	if to == 0 {
		to = r.part.pages
	}
	if r.part.pages == 0 {
		return r.part.bytes
	}
	return scale(r.part.bytes, max(to-r.from, 0), r.part.pages)
}

// copySQL reads the range. ONLY keeps the children of legacy inheritance out (P13); the columns are the
// layout's, so that the snapshot has exactly those of the stream (P11, G10). A condition on both ends of
// ctid is a TID Range Scan from PostgreSQL 14 on.
func (r ctidRange) copySQL() string {
	columns := make([]string, len(r.part.layout.Table.Columns))
	for i := range columns {
		columns[i] = quoteIdentifier(r.part.layout.Table.Columns[i].Name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "COPY (SELECT %s FROM ONLY %s", strings.Join(columns, ", "), quoteTable(r.part.leaf.Schema, r.part.leaf.Name))
	switch {
	case r.to != 0:
		fmt.Fprintf(&b, " WHERE ctid >= '(%d,0)' AND ctid < '(%d,0)'", r.from, r.to)
	case r.from != 0:
		fmt.Fprintf(&b, " WHERE ctid >= '(%d,0)'", r.from)
	}
	b.WriteString(") TO STDOUT")
	return b.String()
}

// planUnit is the plan of one unit whose rows are in parts.
func planUnit(layout *envelope.Layout, parts []*part, chunkBytes int64) snapshot.TablePlan {
	plan := snapshot.TablePlan{Table: layout.Table}
	for _, p := range parts {
		plan.Rows = addEstimate(plan.Rows, p.leaf.Tuples)
		plan.Bytes += p.bytes
		for _, r := range p.cut(chunkBytes) {
			plan.Chunks = append(plan.Chunks, snapshot.Chunk{Table: layout.Table, Index: len(plan.Chunks), Range: r, Bytes: r.weight()})
		}
	}
	return plan
}

// addEstimate adds up estimates of rows; -1, not known, makes the sum unknown.
func addEstimate(sum int64, tuples float64) int64 {
	if sum < 0 || tuples < 0 {
		return -1
	}
	return sum + int64(tuples)
}
