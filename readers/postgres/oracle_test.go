package postgres

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"

	"github.com/jackc/pglogrepl"

	"rdip/envelope"
)

// compareWithOracle reads a message with our parser and with pglogrepl's and says how they differ. What
// ours refuses is not compared: it is the stricter of the two.
func compareWithOracle(data []byte) error {
	ours, err := parsed(data)
	if err != nil {
		return fmt.Errorf("ours refuses it: %w", err)
	}
	if far(ours) {
		return nil
	}
	m, err := pglogrepl.Parse(data)
	if err != nil {
		return fmt.Errorf("pglogrepl refuses what ours takes: %w", err)
	}
	theirs := flattened(m)
	if !reflect.DeepEqual(ours, theirs) {
		return fmt.Errorf("ours %#v, pglogrepl %#v", ours, theirs)
	}
	return nil
}

// far says whether a message has a time that pglogrepl, which counts nanoseconds, cannot hold.
func far(fields []any) bool {
	for _, field := range fields {
		if micros, ok := field.(int64); ok && (micros > 9e15 || micros < -9e15) {
			return true
		}
	}
	return false
}

// parsed is a message by our parser, as a list of its fields.
func parsed(data []byte) ([]any, error) {
	b := data[1:]
	switch data[0] {
	case msgBegin:
		m, err := parseBegin(b)
		return []any{m.Final, m.Micros + epochMicros, m.XID}, err
	case msgCommit:
		m, err := parseCommit(b)
		return []any{m.LSN, m.End, m.Micros + epochMicros}, err
	case msgOrigin:
		m, err := parseOrigin(b)
		return []any{m.LSN, string(m.Name)}, err
	case msgType:
		return nil, parseType(b)
	case msgRelation:
		r, err := parseRelation(b)
		if err != nil {
			return nil, err
		}
		fields := []any{r.OID, r.Schema, r.Name, r.Identity}
		for _, c := range r.Columns {
			fields = append(fields, c.Key, c.Name, c.Type, c.Mod)
		}
		return fields, nil
	case msgTruncate:
		m, err := parseTruncate(b)
		fields := []any{}
		for i := range m.count() {
			fields = append(fields, m.oid(i))
		}
		return fields, err
	case msgMessage:
		m, err := parseMessage(b)
		return []any{m.Transactional, m.LSN, string(m.Prefix), string(m.Content)}, err
	case msgInsert, msgUpdate, msgDelete:
		return parsedRow(data[0], b)
	}
	return nil, errUnknown
}

func parsedRow(typ byte, b []byte) ([]any, error) {
	m, err := parseRow(b)
	if err != nil {
		return nil, err
	}
	fields := []any{m.Relation}
	b = m.Tuples
	if typ == msgInsert && m.Old != 0 || typ == msgDelete && m.Old == 0 {
		return nil, errOldKind
	}
	if m.Old != 0 {
		fields = append(fields, m.Old)
		if fields, b, err = parsedTuple(fields, b); err != nil {
			return nil, err
		}
		if typ == msgUpdate {
			b, err = cutNew(b)
		}
	}
	if err == nil && typ != msgDelete {
		fields, b, err = parsedTuple(fields, b)
	}
	if err == nil {
		err = atEnd(b)
	}
	return fields, err
}

func parsedTuple(fields []any, b []byte) ([]any, []byte, error) {
	if len(b) < 2 {
		return nil, nil, errTruncated
	}
	row := make(envelope.Row, binary.BigEndian.Uint16(b))
	rest, _, err := parseTuple(b, row)
	for _, v := range row {
		kind := map[envelope.State]byte{envelope.Null: columnNull, envelope.Absent: columnAbsent, envelope.Present: columnText}[v.State]
		fields = append(fields, kind, string(bytes.Clone(v.Wire)))
	}
	return fields, rest, err
}

// flattened is a message by pglogrepl's parser, as the same list.
func flattened(m pglogrepl.Message) []any {
	switch m := m.(type) {
	case *pglogrepl.BeginMessage:
		return []any{uint64(m.FinalLSN), m.CommitTime.UnixMicro(), m.Xid}
	case *pglogrepl.CommitMessage:
		return []any{uint64(m.CommitLSN), uint64(m.TransactionEndLSN), m.CommitTime.UnixMicro()}
	case *pglogrepl.OriginMessage:
		return []any{uint64(m.CommitLSN), m.Name}
	case *pglogrepl.RelationMessage:
		schema := m.Namespace
		if schema == "" {
			schema = "pg_catalog"
		}
		fields := []any{m.RelationID, schema, m.RelationName, m.ReplicaIdentity}
		for _, c := range m.Columns {
			fields = append(fields, c.Flags&1 != 0, c.Name, c.DataType, c.TypeModifier)
		}
		return fields
	case *pglogrepl.TruncateMessage:
		fields := []any{}
		for _, oid := range m.RelationIDs {
			fields = append(fields, oid)
		}
		return fields
	case *pglogrepl.LogicalDecodingMessage:
		return []any{m.Transactional, uint64(m.LSN), m.Prefix, string(m.Content)}
	case *pglogrepl.InsertMessage:
		return flattenedTuple([]any{m.RelationID}, m.Tuple)
	case *pglogrepl.UpdateMessage:
		fields := []any{m.RelationID}
		if m.OldTuple != nil {
			fields = flattenedTuple(append(fields, m.OldTupleType), m.OldTuple)
		}
		return flattenedTuple(fields, m.NewTuple)
	case *pglogrepl.DeleteMessage:
		return flattenedTuple([]any{m.RelationID, m.OldTupleType}, m.OldTuple)
	}
	return nil
}

func flattenedTuple(fields []any, tuple *pglogrepl.TupleData) []any {
	for _, c := range tuple.Columns {
		fields = append(fields, c.DataType, string(c.Data))
	}
	return fields
}
