package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/snapshot"
)

const (
	// windowStepBytes is about how much of a table one statement of a chunk reads. What a statement still sends when
	// the window is full is thrown away, so that it is a small part of a window.
	windowStepBytes = 1 << 20
	// overrideStepRows is how many rows of an override's statement are read at once.
	overrideStepRows = 1000
)

// Read hands over the rows of a chunk until there are no more, or h has taken a row and is full. A range ends
// where the table ended when it was planned: what came behind it since is in the log.
func (l *liveLane) Read(ctx context.Context, c snapshot.Chunk, h envelope.Handler) (*snapshot.Chunk, error) {
	if l.view == nil {
		return nil, &fault.Error{Op: "copy", Object: "table " + c.Table.ID(), Cause: errors.New("no snapshot was begun"), Permanent: true}
	}
	t, err := l.unit(ctx, c.Table.ID(), uint32(c.Table.OID))
	if err != nil {
		return nil, err
	}
	if err := h.Table(t.layout); err != nil {
		return nil, err
	}
	l.prepare(t.layout, l.view.tx.Place)
	var rest any
	switch r := c.Range.(type) {
	case keyRange:
		rest, err = l.readKeys(ctx, t, r, h)
	case ctidRange:
		if r.part.rows.override != "" {
			rest, err = l.readOverride(ctx, t, r, h)
		} else {
			rest, err = l.readRange(ctx, t, r, h)
		}
	default:
		err = &fault.Error{Op: "copy", Object: "table " + c.Table.ID(), Cause: fmt.Errorf("a chunk of %T is not PostgreSQL's", c.Range), Permanent: true}
	}
	if err == nil {
		err = l.release(ctx)
	}
	if rest == nil || err != nil {
		return nil, err
	}
	left := c
	left.Range = rest
	if r, ok := rest.(ctidRange); ok {
		left.Bytes, left.RestHasKeys = r.weight(), r.keyAbove != nil
	}
	left.Rest = restText(rest)
	return &left, nil
}

// release ends the transaction: neither a lock nor the snapshot, which holds vacuum up, outlasts the reading.
func (l *liveLane) release(ctx context.Context) error {
	l.view = nil
	return l.conn.exec(ctx, "ROLLBACK")
}

// taking is what became of one statement's rows.
type taking struct {
	rows   int  // that h took
	full   bool // h wants no more
	missed bool // a row came after h was full
}

// take runs a statement whose rows have so many columns before the layout's, and hands them to h until it is full.
// note is shown the leading columns of each row that h has taken. What comes after h is full is thrown away.
func (l *liveLane) take(ctx context.Context, t *liveTable, sql string, lead int, h envelope.Handler, note func(lead envelope.Row)) (taking, error) {
	n := len(t.layout.Table.Columns)
	values := make(envelope.Row, lead+n)
	l.event.After = values[lead:]
	var got taking
	var refused error
	took := func(err error) error {
		if got.full = errors.Is(err, snapshot.ErrFull); err == nil || got.full {
			got.rows++
			note(values[:lead])
			return nil
		}
		refused = err
		return err
	}
	err := l.conn.copy(ctx, sql, func(line []byte) error {
		if got.full {
			got.missed = true
			return nil
		}
		if err := splitCopyRow(line, values); err != nil {
			return err
		}
		return took(h.Row(&l.event))
	}, func(large *oversizeError) error {
		if got.full {
			got.missed = true
			return nil
		}
		whole, err := splitCopyHead(large.Head, values)
		switch {
		case err != nil:
			return err
		case whole < lead: // nobody knows where to go on
			refused = tooLargeFor(t.unit.table, large)
			return refused
		default:
			return took(h.Refuse(t.layout, values[lead:], tooLargeFor(t.unit.table, large)))
		}
	})
	if refused != nil {
		return got, refused
	}
	return got, l.unreadable(ctx, t.unit.table, err)
}

// readRange reads a range of pages in steps, and says what is left of it: nil where nothing is.
func (l *liveLane) readRange(ctx context.Context, t *liveTable, r ctidRange, h envelope.Handler) (any, error) {
	if err := l.part(ctx, r.part); err != nil {
		return nil, err
	}
	end := r.to
	if end == 0 {
		end = r.part.pages
	}
	var ctid []byte // of the row that h took last
	columns := "ctid, " + strings.Join(columnNames(t.layout), ", ")
	for from := r.from; from < end; {
		piece := r
		piece.from, piece.to = from, min(from+r.part.step(), end)
		if from > r.from {
			piece.behind = ""
		}
		sql := "COPY (SELECT " + columns + piece.fromSQL()
		if r.part.rows.where != "" {
			sql += " ORDER BY ctid" // the server may read by an index, and what is left is told by the last ctid
		}
		got, err := l.take(ctx, t, sql+") TO STDOUT", 1, h, func(lead envelope.Row) { ctid = append(ctid[:0], lead[0].Wire...) })
		last := string(ctid)
		switch {
		case err != nil:
			return nil, err
		case got.full && got.missed:
			page, err := pageOf(last)
			return ctidRange{part: r.part, from: page, to: r.to, behind: last}, err
		case got.full && piece.to < end:
			return ctidRange{part: r.part, from: piece.to, to: r.to}, nil
		case got.full:
			return nil, nil
		}
		from = piece.to
	}
	return nil, nil
}

// step is how many pages one statement reads.
func (p *part) step() int64 {
	if p.bytes <= 0 || p.pages <= 0 {
		return 1
	}
	return max(scale(p.pages, windowStepBytes, p.bytes), 1)
}

// pageOf is the page of a ctid such as (12,3).
func pageOf(ctid string) (int64, error) {
	page, _, ok := strings.Cut(strings.TrimPrefix(ctid, "("), ",")
	n, err := strconv.ParseInt(page, 10, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is no ctid, such as (12,3)", ctid)
	}
	return n, nil
}

// readKeys reads some keys at a time.
func (l *liveLane) readKeys(ctx context.Context, t *liveTable, r keyRange, h envelope.Handler) (any, error) {
	if err := checkKeys(t.layout.Table, r.keys); err != nil {
		return nil, err
	}
	within := r
	within.where = both(l.cfg.predicate(t.unit.ID()), r.where)
	for keys := r.keys; len(keys) > 0; {
		n := min(t.keysAtOnce(), len(keys))
		var number []byte // of the row that h took last
		got, err := l.take(ctx, t, t.keysSQL(within, keys[:n]), 1, h, func(lead envelope.Row) { number = append(number[:0], lead[0].Wire...) })
		if err != nil {
			return nil, err
		}
		if got.full {
			last, err := strconv.Atoi(string(number))
			if err != nil {
				return nil, err
			}
			n = last + 1
		}
		keys = keys[n:]
		if got.full && len(keys) > 0 {
			r.keys = keys
			return r, nil
		}
	}
	return nil, nil
}

// readOverride reads an override's rows in the order of the table's key, some at a time.
func (l *liveLane) readOverride(ctx context.Context, t *liveTable, r ctidRange, h envelope.Handler) (any, error) {
	if len(t.key) == 0 {
		return nil, &fault.Error{Op: "copy", Object: "table " + t.unit.ID(), Cause: errors.New("the table has no key"), Permanent: true}
	}
	for above := r.keyAbove; ; {
		more := ""
		if above != nil {
			more = t.behind(above)
		}
		sql := fmt.Sprintf("COPY (%s ORDER BY %s LIMIT %d) TO STDOUT", r.part.overrideSQL(t.layout, t.layout.Table.Key, more), t.order(), overrideStepRows)
		last := make([]string, len(t.key))
		got, err := l.take(ctx, t, sql, len(last), h, func(lead envelope.Row) {
			for i, v := range lead {
				last[i] = string(v.Wire)
			}
		})
		switch {
		case err != nil:
			return nil, err
		case got.full && (got.missed || got.rows == overrideStepRows):
			return ctidRange{part: r.part, keyAbove: last}, nil
		case got.rows < overrideStepRows:
			return nil, nil
		}
		above = last
	}
}
