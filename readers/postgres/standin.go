package postgres

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"

	"rdip/envelope"
	"rdip/schema"
)

// unavailable is Debezium's default unavailable.value.placeholder.
const unavailable = "__debezium_unavailable_value"

// zeroValue is the Avro binary that Debezium writes for a NOT NULL column without a value and without a
// default. A type that is a string has none of its own text there but "", the zoned times aside.
func (f *form) zeroValue() []byte {
	switch {
	case f.typ.Name == zonedTimestampName:
		return envelope.AppendString(nil, "1970-01-01T00:00:00Z")
	case f.typ.Name == jsonName && f.absent != nil: // an hstore
		return envelope.AppendString(nil, "{}")
	case f.typ.Kind == schema.Array:
		return []byte{0}
	}
	b, err := f.encode(nil, []byte(f.zero))
	if err != nil {
		return envelope.AppendString(nil, "")
	}
	return b
}

// absentValue is the Avro binary of the marker for a value that the log did not carry, nil for a type that is
// never stored out of line.
func (f *form) absentValue(toastable bool) []byte {
	switch {
	case !toastable:
		return nil
	case f.absent != nil:
		return f.absent
	default:
		return absentOf(&f.typ)
	}
}

// absentOf is the marker in an Avro type of its own (P4), as Debezium's UnchangedToastedPlaceholder has it
// where it has one: the text as string or bytes; an array of one such item, or, where items are numbers,
// of the text's bytes as numbers. An array that can hold none of these has one null item.
func absentOf(t *schema.Type) []byte {
	switch t.Kind {
	case schema.String, schema.Bytes:
		return envelope.AppendString(nil, unavailable)
	case schema.Array:
		return absentArray(t)
	case schema.Record:
		return absentRecord(t)
	default:
		return nil
	}
}

func absentArray(t *schema.Type) []byte {
	item := t.Items
	number := numberAppender(item)
	if number == nil {
		marker := absentOf(item)
		if item.Name == uuidName {
			marker = envelope.AppendString(nil, unavailableUUID())
		}
		if marker == nil {
			return []byte{1 << 1, unionNull, 0}
		}
		return append(append([]byte{1 << 1, unionValue}, marker...), 0)
	}
	dst := binary.AppendVarint(nil, int64(len(unavailable)))
	for _, b := range []byte(unavailable) {
		if !t.ItemsRequired {
			dst = append(dst, unionValue)
		}
		dst = number(dst, b)
	}
	return append(dst, 0)
}

// numberAppender appends a byte as a number of the type, nil for a type that is none.
func numberAppender(t *schema.Type) func(dst []byte, b byte) []byte {
	switch t.Kind {
	case schema.Int, schema.Long:
		return func(dst []byte, b byte) []byte { return binary.AppendVarint(dst, int64(b)) }
	case schema.Float:
		return func(dst []byte, b byte) []byte {
			dst, _ = encodeFloat4(dst, appendDecimal(nil, uint64(b)))
			return dst
		}
	case schema.Double:
		return func(dst []byte, b byte) []byte { return appendDouble(dst, float64(b)) }
	default:
		return nil
	}
}

// absentRecord has the marker in each of its bytes, zeros for numbers, and null where it may.
func absentRecord(t *schema.Type) []byte {
	var dst []byte
	for i := range t.Fields {
		switch f := &t.Fields[i]; {
		case f.Nullable:
			dst = append(dst, unionNull)
		case f.Type.Kind == schema.Bytes || f.Type.Kind == schema.String:
			dst = envelope.AppendString(dst, unavailable)
		case f.Type.Kind == schema.Double:
			dst = appendDouble(dst, 0)
		default:
			dst = append(dst, 0)
		}
	}
	return dst
}

// unavailableUUID is Java's UUID.nameUUIDFromBytes of the marker: version 3 without a namespace.
func unavailableUUID() string {
	b := md5.Sum([]byte(unavailable))
	b[6] = b[6]&0x0f | 0x30
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
