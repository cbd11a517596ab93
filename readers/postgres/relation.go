package postgres

import (
	"fmt"
	"slices"

	"rdip/envelope"
)

// relationState is one relation of the log: how its tuples are read, and the memory they are read into.
type relationState struct {
	relation  *relation
	layout    *envelope.Layout // nil: the relation is not captured
	announced bool             // h.Table had the layout
	// pick maps the layout's columns to the relation's where the layout leaves some out; nil where they are
	// the same.
	pick          []int
	wide          envelope.Row // as many columns as the relation has; only with pick
	before, after envelope.Row // as many columns as the layout has
}

// newRelationState prepares the memory for a relation's rows. A nil layout is a relation not captured.
func newRelationState(r *relation, l *envelope.Layout) (*relationState, error) {
	s := &relationState{relation: r, layout: l}
	if l == nil {
		return s, nil
	}
	columns := l.Table.Columns
	s.before, s.after = make(envelope.Row, len(columns)), make(envelope.Row, len(columns))
	pick := make([]int, len(columns))
	same := len(columns) == len(r.Columns)
	for i := range columns {
		pick[i] = slices.IndexFunc(r.Columns, func(c relationColumn) bool { return c.Name == columns[i].Name })
		if pick[i] < 0 {
			return nil, columnMissing(columns[i].Name)
		}
		same = same && pick[i] == i
	}
	if !same {
		s.pick, s.wide = pick, make(envelope.Row, len(r.Columns))
	}
	return s, nil
}

// read reads one tuple into row, which is before or after, and says how many of its columns are absent.
func (s *relationState) read(b []byte, row envelope.Row) (rest []byte, absent int, err error) {
	if s.pick == nil {
		return parseTuple(b, row)
	}
	rest, _, err = parseTuple(b, s.wide)
	if err != nil {
		return nil, 0, err
	}
	for i, from := range s.pick {
		row[i] = s.wide[from]
		if row[i].State == envelope.Absent {
			absent++
		}
	}
	return rest, absent, nil
}

// keyWithout is the first column of the key that row has in the given state, or -1.
func (s *relationState) keyWithout(row envelope.Row, state envelope.State) int {
	for _, k := range s.layout.Table.Key {
		if row[k].State == state {
			return k
		}
	}
	return -1
}

func (s *relationState) name() string { return s.relation.Schema + "." + s.relation.Name }

// relations are those that the server has described in this session. It sends a relation before its first
// change and again after every change of its definition (maybe_send_schema in pgoutput.c).
type relations struct {
	last  *relationState // the one looked up last: most rows have the relation of the row before
	byOID map[uint32]*relationState
}

func newRelations() relations { return relations{byOID: map[uint32]*relationState{}} }

// find is nil for a relation that the server has not described.
func (r *relations) find(oid uint32) *relationState {
	if r.last != nil && r.last.relation.OID == oid {
		return r.last
	}
	if s := r.byOID[oid]; s != nil {
		r.last = s
		return s
	}
	return nil
}

func (r *relations) set(s *relationState) {
	r.byOID[s.relation.OID] = s
	r.last = s
}

// columnMissing: a layout has a column that its Relation message has not.
type columnMissing string

func (c columnMissing) Error() string {
	return fmt.Sprintf("the log does not carry the column %q", string(c))
}
