package postgres

import (
	"fmt"
	"math/bits"
	"strings"

	"rdip/envelope"
)

// part is one table that holds rows of a unit: the unit's table itself, or one partition.
type part struct {
	leaf   *table
	layout *envelope.Layout // the unit's; the columns are found in the leaf by name (P12)
	pages  int64            // of the main fork
	bytes  int64            // with what is stored out of line
	rows   rowChoice
}

// rowChoice is which rows of a table a snapshot takes.
type rowChoice struct {
	where    string // a predicate, "" for all rows
	override string // a SELECT whose rows are the table's, "" for none; it is not cut into ranges
}

// ctidRange is a run of a part's pages; to is 0 where it is open-ended: the last one takes in what the table
// has grown by since it was measured.
type ctidRange struct {
	part     *part
	from, to int64
	behind   string   // a ctid: only rows behind it are left; "" for all
	keyAbove []string // of an override: only rows with a higher key are left; nil for all
}

// mostChunks bounds a part's plan, which is kept in memory (G8): ranges of a table above 8 TiB are larger than the
// default of 8 MiB.
const mostChunks = 1 << 20

// cut divides a part into ranges of about chunkBytes, out-of-line values counted in, and into mostChunks at most.
func (p *part) cut(chunkBytes int64) []ctidRange {
	if p.bytes <= chunkBytes || p.pages <= 1 || p.rows.override != "" {
		return []ctidRange{{part: p}}
	}
	step := max(scale(p.pages, chunkBytes, p.bytes), p.pages/mostChunks+1)
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
// layout's, so that the snapshot has exactly those of the stream (P11, G10).
func (r ctidRange) copySQL() string {
	if r.part.rows.override != "" {
		return "COPY (" + r.part.overrideSQL(r.part.layout, nil, "") + ") TO STDOUT"
	}
	columns := strings.Join(columnNames(r.part.layout), ", ")
	return "COPY (SELECT " + columns + r.fromSQL() + ") TO STDOUT"
}

// fromSQL is the rows of the range: FROM and WHERE of a SELECT. A condition on both ends of ctid is a TID Range
// Scan from PostgreSQL 14 on.
func (r ctidRange) fromSQL() string {
	var conditions []string
	switch {
	case r.behind != "":
		conditions = append(conditions, "ctid > "+quoteLiteral(r.behind))
	case r.from != 0 || r.to != 0:
		conditions = append(conditions, fmt.Sprintf("ctid >= '(%d,0)'", r.from))
	}
	if r.to != 0 {
		conditions = append(conditions, fmt.Sprintf("ctid < '(%d,0)'", r.to))
	}
	if r.part.rows.where != "" {
		conditions = append(conditions, "("+r.part.rows.where+"\n)")
	}
	from := " FROM ONLY " + quoteTable(r.part.leaf.Schema, r.part.leaf.Name)
	if len(conditions) == 0 {
		return from
	}
	return from + " WHERE " + strings.Join(conditions, " AND ")
}

// columnNames quotes the layout's columns.
func columnNames(l *envelope.Layout) []string {
	names := make([]string, len(l.Table.Columns))
	for i := range names {
		names[i] = quoteIdentifier(l.Table.Columns[i].Name)
	}
	return names
}

// addEstimate adds up estimates of rows; -1, not known, makes the sum unknown.
func addEstimate(sum int64, tuples float64) int64 {
	if sum < 0 || tuples < 0 {
		return -1
	}
	return sum + int64(tuples)
}
