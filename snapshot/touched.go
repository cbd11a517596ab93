package snapshot

import (
	"encoding/binary"
	"slices"

	"rdip/envelope"
)

// touched is what the log did to one table while a window was open: a list of transaction, place and key, in
// one buffer that is used again. The stream's goroutine writes it, and reads it at the window's end.
type touched struct {
	log    []byte
	limit  int  // bytes of log
	full   bool // something was left out, so that the list is worth nothing
	key    []byte
	layout *envelope.Layout // of the newest row
	moved  bool             // the table's key, or the table, changed meanwhile
}

const (
	entryBytes = 16         // transaction and place
	allRows    = ^uint64(0) // in place of a key's length: a TRUNCATE
)

func newTouched(limit int) *touched { return &touched{limit: limit} }

// reset empties the list.
func (t *touched) reset(limit int) {
	t.log, t.limit, t.full, t.layout, t.moved = t.log[:0], limit, false, nil, false
}

// record notes a row's old and new key.
func (t *touched) record(tx *envelope.Transaction, e *envelope.Event) {
	if t.layout != e.Layout {
		t.moved = t.moved || t.layout != nil && !sameKey(t.layout, e.Layout)
		t.layout = e.Layout
	}
	if e.Op == envelope.Truncate {
		t.add(tx, nil, true)
		return
	}
	if e.Before != nil {
		t.one(tx, e, e.Before, nil)
	}
	if e.After != nil {
		t.one(tx, e, e.After, e.Before)
	}
}

func (t *touched) one(tx *envelope.Transaction, e *envelope.Event, row, old envelope.Row) {
	key, ok := appendKey(t.key[:0], e.Layout.Table, row, old)
	t.key = key
	if !ok {
		t.full = true
		return
	}
	t.add(tx, key, false)
}

func (t *touched) add(tx *envelope.Transaction, key []byte, all bool) {
	if t.full || len(t.log)+entryBytes+binary.MaxVarintLen64+len(key) > t.limit {
		t.full = true
		return
	}
	t.log = binary.LittleEndian.AppendUint64(t.log, tx.ID)
	t.log = binary.LittleEndian.AppendUint64(t.log, tx.Place)
	if all {
		t.log = binary.AppendUvarint(t.log, allRows)
		return
	}
	t.log = binary.AppendUvarint(t.log, uint64(len(key)))
	t.log = append(t.log, key...)
}

// unseen is the keys that transactions touched which the view does not see; all says that one of them emptied
// the table.
func (t *touched) unseen(v View) (keys map[string]struct{}, all bool) {
	for rest := t.log; len(rest) > 0; {
		id, place := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
		n, width := binary.Uvarint(rest[entryBytes:])
		rest = rest[entryBytes+width:]
		var key []byte
		if n != allRows {
			key, rest = rest[:n], rest[n:]
		}
		if v.Sees(id, place) {
			continue
		}
		if n == allRows {
			return nil, true
		}
		if keys == nil {
			keys = map[string]struct{}{}
		}
		keys[string(key)] = struct{}{}
	}
	return keys, false
}

// sameKey says whether two layouts are of one table with the same key columns.
func sameKey(a, b *envelope.Layout) bool {
	return a.Table.OID == b.Table.OID && slices.Equal(keyNames(a), keyNames(b))
}

func keyNames(l *envelope.Layout) []string {
	names := make([]string, len(l.Table.Key))
	for i, k := range l.Table.Key {
		names[i] = l.Table.Columns[k].Name
	}
	return names
}
