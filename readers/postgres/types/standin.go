package types

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"rdip/envelope"
	"rdip/schema"
)

// Unavailable is Debezium's default unavailable.value.placeholder.
const Unavailable = "__debezium_unavailable_value"

// placeholder is what stands for a value that the log did not carry: the bytes of unavailable.value.placeholder.
type placeholder []byte

// placeholderOf reads the key's value, which was checked by checkPlaceholder.
func placeholderOf(typed string) placeholder {
	if digits, ok := strings.CutPrefix(typed, hexPlaceholder); ok {
		if b, err := hex.DecodeString(digits); err == nil {
			return b
		}
	}
	if typed == "" {
		return placeholder(Unavailable)
	}
	return placeholder(typed)
}

// text is the placeholder as Java's String of its bytes: what is no UTF-8 becomes U+FFFD.
func (p placeholder) text() string { return strings.ToValidUTF8(string(p), "\uFFFD") }

// Zero is the Avro binary that Debezium writes for a NOT NULL column without a value and without a
// default. A type that is a string has none of its own text there but "", the zoned times aside.
func (f *Form) Zero() []byte {
	switch {
	case f.Type.Name == zonedTimestampName:
		return envelope.AppendString(nil, "1970-01-01T00:00:00Z")
	case f.Type.Name == jsonName && f.absent != nil: // an hstore
		return envelope.AppendString(nil, "{}")
	case f.Type.Kind == schema.Array, f.Type.Kind == schema.Map:
		return []byte{0}
	}
	b, err := f.Encode(nil, []byte(f.zero))
	if err != nil {
		return envelope.AppendString(nil, "")
	}
	return b
}

// Absent is the Avro binary of the marker for a value of the type that the log did not carry, nil for a type that is
// never stored out of line: the log carries its values.
func (c *Catalog) Absent(ctx context.Context, oid uint32, f *Form) ([]byte, error) {
	t, err := c.Lookup(ctx, oid)
	if err != nil || t != nil && !t.Toastable {
		return nil, err
	}
	return f.absentValue(c.modes.marker), nil
}

func (f *Form) absentValue(p placeholder) []byte {
	if f.absent != nil {
		return f.absent
	}
	return p.of(&f.Type)
}

// of is the marker in an Avro type of its own (P4), as Debezium's UnchangedToastedPlaceholder has it
// where it has one: the text as string or bytes; an array of one such item, or, where items are numbers,
// of the text's bytes as numbers. A double is NaN. An array that can hold none of these has one null item.
func (p placeholder) of(t *schema.Type) []byte {
	switch t.Kind {
	case schema.String:
		return envelope.AppendString(nil, p.text())
	case schema.Bytes:
		return envelope.AppendString(nil, []byte(p))
	case schema.Double:
		return appendDouble(nil, math.NaN())
	case schema.Array:
		return p.array(t)
	case schema.Record:
		return p.record(t)
	default:
		return nil
	}
}

func (p placeholder) array(t *schema.Type) []byte {
	item := t.Items
	number := numberAppender(item)
	if number == nil {
		return p.oneItem(t)
	}
	dst := binary.AppendVarint(nil, int64(len(p)))
	for _, b := range p {
		if !t.ItemsRequired {
			dst = append(dst, envelope.UnionValue)
		}
		dst = number(dst, b)
	}
	return append(dst, 0)
}

// oneItem is an array with the marker of its items' type.
func (p placeholder) oneItem(t *schema.Type) []byte {
	marker := p.of(t.Items)
	if t.Items.Name == uuidName {
		marker = envelope.AppendString(nil, p.uuid())
	}
	dst := []byte{1 << 1}
	switch {
	case t.ItemsRequired:
	case marker == nil:
		dst = append(dst, envelope.UnionNull)
	default:
		dst = append(dst, envelope.UnionValue)
	}
	return append(append(dst, marker...), 0)
}

// numberAppender appends a byte as a number of the type, nil for a type that is none. Java's bytes have a sign.
func numberAppender(t *schema.Type) func(dst []byte, b byte) []byte {
	switch t.Kind {
	case schema.Int, schema.Long:
		return func(dst []byte, b byte) []byte { return binary.AppendVarint(dst, int64(int8(b))) }
	case schema.Float:
		return func(dst []byte, b byte) []byte {
			dst, _ = encodeFloat4(dst, strconv.AppendInt(nil, int64(int8(b)), 10))
			return dst
		}
	case schema.Double:
		return func(dst []byte, b byte) []byte { return appendDouble(dst, float64(int8(b))) }
	default:
		return nil
	}
}

// record has the marker in each of its bytes, zeros for numbers, and null where it may.
func (p placeholder) record(t *schema.Type) []byte {
	var dst []byte
	for i := range t.Fields {
		switch f := &t.Fields[i]; {
		case f.Nullable:
			dst = append(dst, envelope.UnionNull)
		case f.Type.Kind == schema.Bytes || f.Type.Kind == schema.String:
			dst = append(dst, p.of(&f.Type)...)
		case f.Type.Kind == schema.Double:
			dst = appendDouble(dst, 0)
		default:
			dst = append(dst, 0)
		}
	}
	return dst
}

// uuid is Java's UUID.nameUUIDFromBytes of the marker: version 3 without a namespace.
func (p placeholder) uuid() string {
	b := md5.Sum(p)
	b[6] = b[6]&0x0f | 0x30
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
