package envelope

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"rdip/schema"
)

// AppendKeyJSON appends a row's key as the JSON text that Debezium's headers newkey and oldkey hold: what
// Kafka Connect's SimpleHeaderConverter (org.apache.kafka.connect.data.Values) makes of the key's struct.
// avro is the key as AppendKey wrote it.
func (x *Encoder) AppendKeyJSON(dst, avro []byte) ([]byte, error) {
	d := avroReader{in: avro[5:]}
	dst = append(dst, '{')
	for i := range x.key {
		if i > 0 {
			dst = append(dst, ',')
		}
		c := x.Layout.Table.KeyField(i)
		dst = appendQuoted(dst, schema.AvroName(c.Name))
		dst = append(dst, ':')
		if c.Nullable && d.isNull(c.Default != nil) {
			dst = append(dst, "null"...)
			continue
		}
		dst = d.appendJSON(dst, &c.Type)
	}
	if d.bad {
		return dst, fmt.Errorf("table %s: the key does not read back as its schema", x.Layout.Table.ID())
	}
	return append(dst, '}'), nil
}

// avroReader reads Avro binary that this package wrote. A short input sets bad and reads as zeros.
type avroReader struct {
	in  []byte
	bad bool
}

// isNull reads a union's index; withDefault says that null comes second.
func (d *avroReader) isNull(withDefault bool) bool {
	return (d.long() == 0) != withDefault
}

func (d *avroReader) long() int64 {
	u, n := binary.Uvarint(d.in)
	if n <= 0 {
		d.bad, d.in = true, nil
		return 0
	}
	d.in = d.in[n:]
	return int64(u>>1) ^ -int64(u&1)
}

func (d *avroReader) take(n int64) []byte {
	if n < 0 || n > int64(len(d.in)) {
		d.bad, d.in = true, nil
		return make([]byte, 8)
	}
	out := d.in[:n]
	d.in = d.in[n:]
	return out
}

func (d *avroReader) appendJSON(dst []byte, t *schema.Type) []byte {
	switch t.Kind {
	case schema.Boolean:
		return strconv.AppendBool(dst, d.take(1)[0] == 1)
	case schema.Int, schema.Long:
		return strconv.AppendInt(dst, d.long(), 10)
	case schema.Float:
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(d.take(4)))), 32)
	case schema.Double:
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(d.take(8))), 64)
	case schema.String:
		return appendQuoted(dst, string(d.take(d.long())))
	case schema.Bytes:
		return appendBytesJSON(dst, d.take(d.long()), t)
	case schema.Record:
		return d.appendRecord(dst, t)
	default:
		return d.appendItems(dst, t)
	}
}

func (d *avroReader) appendRecord(dst []byte, t *schema.Type) []byte {
	dst = append(dst, '{')
	for i := range t.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, t.Fields[i].Name), ':')
		if t.Fields[i].Nullable && d.isNull(false) {
			dst = append(dst, "null"...)
			continue
		}
		dst = d.appendJSON(dst, &t.Fields[i].Type)
	}
	return append(dst, '}')
}

// appendItems writes an array, or a map with its keys as names.
func (d *avroReader) appendItems(dst []byte, t *schema.Type) []byte {
	open, end := byte('['), byte(']')
	if t.Kind == schema.Map {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	first := true
	for n := d.long(); n > 0 && !d.bad; n = d.long() {
		for ; n > 0 && !d.bad; n-- {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			if t.Kind == schema.Map {
				dst = append(appendQuoted(dst, string(d.take(d.long()))), ':')
			}
			if !t.ItemsRequired && d.isNull(false) {
				dst = append(dst, "null"...)
				continue
			}
			dst = d.appendJSON(dst, t.Items)
		}
	}
	return append(dst, end)
}

func appendBytesJSON(dst, v []byte, t *schema.Type) []byte {
	if t.Name != schema.DecimalName {
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v), '"')
	}
	return append(dst, decimalText(v, t.Scale)...)
}

// decimalText is the plain decimal notation of a two's-complement unscaled value.
func decimalText(v []byte, scale int) string {
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(v))*8))
	}
	if scale <= 0 {
		return n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-scale)), nil)).String()
	}
	return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}

// appendFloat writes a float as Java's Double.toString spells whole numbers: with a fraction.
func appendFloat(dst []byte, v float64, bits int) []byte {
	at := len(dst)
	dst = strconv.AppendFloat(dst, v, 'g', -1, bits)
	for _, c := range dst[at:] {
		if c == '.' || c == 'e' || c == 'N' || c == 'I' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// appendQuoted escapes as Connect's Values does: backslashes and quotes, and nothing else.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
