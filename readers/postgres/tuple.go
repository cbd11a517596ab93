package postgres

import (
	"encoding/binary"

	"rdip/envelope"
)

// Kinds of a tuple's columns (TupleData of
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html).
const (
	columnNull   = 'n'
	columnAbsent = 'u' // an unchanged TOASTed value: the log does not carry it
	columnText   = 't'
	columnBinary = 'b' // only with the option binary, which is never set
)

// parseTuple fills row from the tuple that b begins with, and says how many of its columns are absent. The
// values are slices of b, their capacity cut to their length. It fails where b is not a tuple of exactly
// len(row) columns.
func parseTuple(b []byte, row envelope.Row) (rest []byte, absent int, err error) {
	if len(b) < 2 {
		return nil, 0, errTruncated
	}
	if int(binary.BigEndian.Uint16(b)) != len(row) {
		return nil, 0, errColumnCount
	}
	b = b[2:]
	for i := range row {
		if len(b) == 0 {
			return nil, 0, errTruncated
		}
		kind := b[0]
		b = b[1:]
		switch kind {
		case columnText:
			if len(b) < 4 {
				return nil, 0, errTruncated
			}
			n := binary.BigEndian.Uint32(b)
			b = b[4:]
			if uint64(n) > uint64(len(b)) {
				return nil, 0, errTruncated
			}
			row[i] = envelope.Value{Wire: b[:n:n], State: envelope.Present}
			b = b[n:]
		case columnNull:
			row[i] = envelope.Value{}
		case columnAbsent:
			row[i] = envelope.Value{State: envelope.Absent}
			absent++
		case columnBinary:
			return nil, 0, errBinary
		default:
			return nil, 0, errColumnKind
		}
	}
	return b, absent, nil
}

// fillAbsent gives the columns that after lacks the values they have in before, which is right for an old
// row that is whole (FULL, P2), and for the columns that an old key carries: unchanged is what 'u' says. An
// 'n' in a key tuple is no knowledge, so NULLs are taken only where whole says so. It returns how many are
// still absent.
func fillAbsent(after, before envelope.Row, whole bool) (absent int) {
	for i := range after {
		if after[i].State != envelope.Absent {
			continue
		}
		if b := before[i]; b.State == envelope.Present || whole && b.State == envelope.Null {
			after[i] = b
			continue
		}
		absent++
	}
	return absent
}
