package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Messages of pgoutput, protocol version 1
// (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html).
const (
	msgBegin    = 'B'
	msgCommit   = 'C'
	msgOrigin   = 'O'
	msgRelation = 'R'
	msgType     = 'Y'
	msgInsert   = 'I'
	msgUpdate   = 'U'
	msgDelete   = 'D'
	msgTruncate = 'T'
	msgMessage  = 'M'

	msgStreamAbort = 'A' // of protocol version 2; seen astray in version 1 (P36)

	tupleNew = 'N'
	tupleOld = 'O' // the whole old row (replica identity FULL)
	tupleKey = 'K' // the old row's replica identity, every other column 'n'
)

// What can be wrong with a message. They are made once, since a decoder must not allocate.
var (
	errTruncated   = errors.New("it ends too early")
	errTrailing    = errors.New("it has bytes behind its end")
	errColumnCount = errors.New("a row has not as many columns as its table's Relation message")
	errColumnKind  = errors.New("a column is neither null, unchanged nor text")
	errBinary      = errors.New("a column is binary, which was not asked for")
	errTupleKind   = errors.New("a tuple is neither old, key nor new")
	errFlags       = errors.New("it has flags that protocol version 1 does not know")
	errUnknown     = errors.New("pgoutput's protocol version 1 has no such message")
)

// beginMessage opens a transaction.
type beginMessage struct {
	Final  uint64 // the LSN of the commit record
	Micros int64  // time of the commit, µs since 2000
	XID    uint32
}

func parseBegin(b []byte) (m beginMessage, err error) {
	if len(b) != 20 {
		return m, lengthError(b, 20)
	}
	m.Final = binary.BigEndian.Uint64(b)
	m.Micros = int64(binary.BigEndian.Uint64(b[8:]))
	m.XID = binary.BigEndian.Uint32(b[16:])
	return m, nil
}

// commitMessage closes a transaction.
type commitMessage struct {
	LSN    uint64 // of the commit record
	End    uint64 // behind it: where the next transaction can begin
	Micros int64  // µs since 2000
}

func parseCommit(b []byte) (m commitMessage, err error) {
	if len(b) != 25 {
		return m, lengthError(b, 25)
	}
	if b[0] != 0 {
		return m, errFlags
	}
	m.LSN = binary.BigEndian.Uint64(b[1:])
	m.End = binary.BigEndian.Uint64(b[9:])
	m.Micros = int64(binary.BigEndian.Uint64(b[17:]))
	return m, nil
}

// originMessage follows a Begin whose transaction came from another server. Name is borrowed.
type originMessage struct {
	LSN  uint64 // of the commit, there
	Name []byte
}

func parseOrigin(b []byte) (m originMessage, err error) {
	if len(b) < 8 {
		return m, errTruncated
	}
	m.LSN = binary.BigEndian.Uint64(b)
	name, rest, ok := cutString(b[8:])
	if !ok {
		return m, errTruncated
	}
	m.Name = name
	return m, atEnd(rest)
}

// parseRelation reads a Relation message into a relation of its own memory. An empty schema is pg_catalog
// (logicalrep_write_namespace in proto.c).
func parseRelation(b []byte) (*relation, error) {
	if len(b) < 4 {
		return nil, errTruncated
	}
	r := &relation{OID: binary.BigEndian.Uint32(b)}
	schema, b, ok := cutString(b[4:])
	if !ok {
		return nil, errTruncated
	}
	name, b, ok := cutString(b)
	if !ok || len(b) < 3 {
		return nil, errTruncated
	}
	r.Schema, r.Name, r.Identity = string(schema), string(name), b[0]
	if r.Schema == "" {
		r.Schema = "pg_catalog"
	}
	columns := int(binary.BigEndian.Uint16(b[1:]))
	b = b[3:]
	if columns*10 > len(b) { // a column has at least flags, an empty name's end, a type and a modifier
		return nil, errTruncated
	}
	r.Columns = make([]relationColumn, columns)
	for i := range r.Columns {
		var err error
		if b, err = parseRelationColumn(b, &r.Columns[i]); err != nil {
			return nil, err
		}
	}
	return r, atEnd(b)
}

func parseRelationColumn(b []byte, c *relationColumn) (rest []byte, err error) {
	if len(b) == 0 {
		return nil, errTruncated
	}
	flags := b[0]
	name, b, ok := cutString(b[1:])
	if !ok || len(b) < 8 {
		return nil, errTruncated
	}
	*c = relationColumn{Key: flags&1 != 0, Name: string(name), Type: binary.BigEndian.Uint32(b), Mod: int32(binary.BigEndian.Uint32(b[4:]))}
	return b[8:], nil
}

// parseType checks a Type message: the name of a type that is not built in. Types are looked up in the
// catalog by their OID, so nothing of it is kept.
func parseType(b []byte) error {
	if len(b) < 4 {
		return errTruncated
	}
	_, b, ok := cutString(b[4:])
	if !ok {
		return errTruncated
	}
	_, b, ok = cutString(b)
	if !ok {
		return errTruncated
	}
	return atEnd(b)
}

// rowMessage is an Insert, Update or Delete before its tuples are read.
type rowMessage struct {
	Relation uint32
	Old      byte   // tupleOld, tupleKey, or 0 where there is no old tuple
	Tuples   []byte // behind the first tuple's kind
}

// parseRow reads the beginning of an Insert (new alone), an Update (old or key, then new; or new alone) or
// a Delete (old or key alone).
func parseRow(b []byte) (m rowMessage, err error) {
	if len(b) < 5 {
		return m, errTruncated
	}
	m.Relation = binary.BigEndian.Uint32(b)
	switch b[4] {
	case tupleNew:
	case tupleOld, tupleKey:
		m.Old = b[4]
	default:
		return m, errTupleKind
	}
	m.Tuples = b[5:]
	return m, nil
}

// cutNew takes the kind of the new tuple off the middle of an Update.
func cutNew(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, errTruncated
	}
	if b[0] != tupleNew {
		return nil, errTupleKind
	}
	return b[1:], nil
}

// truncateMessage empties tables. Relations holds their OIDs, four bytes each, borrowed.
type truncateMessage struct{ Relations []byte }

func (m truncateMessage) count() int       { return len(m.Relations) / 4 }
func (m truncateMessage) oid(i int) uint32 { return binary.BigEndian.Uint32(m.Relations[4*i:]) }

func parseTruncate(b []byte) (m truncateMessage, err error) {
	if len(b) < 5 {
		return m, errTruncated
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if b = b[5:]; n == 0 || uint64(len(b)) != 4*n { // the fifth byte is CASCADE and RESTART IDENTITY
		return m, errTruncated
	}
	m.Relations = b
	return m, nil
}

// logicalMessage is what pg_logical_emit_message wrote. Prefix and Content are borrowed.
type logicalMessage struct {
	Transactional   bool
	LSN             uint64
	Prefix, Content []byte
}

func parseMessage(b []byte) (m logicalMessage, err error) {
	if len(b) < 9 {
		return m, errTruncated
	}
	if b[0] > 1 {
		return m, errFlags
	}
	m.Transactional = b[0] == 1
	m.LSN = binary.BigEndian.Uint64(b[1:])
	prefix, b, ok := cutString(b[9:])
	if !ok || len(b) < 4 {
		return m, errTruncated
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n) != uint64(len(b)) {
		return m, errTruncated
	}
	m.Prefix, m.Content = prefix, b[:n:n]
	return m, nil
}

// cutString takes a string that ends with a zero byte off b.
func cutString(b []byte) (s, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return nil, nil, false
	}
	return b[:i:i], b[i+1:], true
}

func atEnd(b []byte) error {
	if len(b) != 0 {
		return errTrailing
	}
	return nil
}

func lengthError(b []byte, want int) error {
	if len(b) < want {
		return errTruncated
	}
	return errTrailing
}
