package lines

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode/utf8"

	"rdip/envelope/decode"
	"rdip/internal/fault"
	"rdip/sinks/kafka/consume"
)

// appendJSON writes a record as one JSON object. Headers keep their order and may repeat; the value of one
// that is not UTF-8 is in base64, under "base64".
func appendJSON(dst []byte, d *decoded) []byte {
	dst = append(dst, `{"topic":`...)
	dst = decode.AppendString(dst, d.Topic)
	dst = fmt.Appendf(dst, `,"partition":%d,"offset":%d,"timestamp":%d,"headers":[`, d.Partition, d.Offset, d.Time.UnixMilli())
	for i, h := range d.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHeader(dst, h)
	}
	dst = append(dst, ']')
	dst = appendSide(dst, "key", d.Key, &d.key)
	dst = appendSide(dst, "value", d.Value, &d.value)
	return append(dst, '}')
}

func appendHeader(dst []byte, h decode.Header) []byte {
	dst = append(dst, `{"key":`...)
	dst = decode.AppendString(dst, h.Key)
	switch {
	case h.Value == nil:
		dst = append(dst, `,"value":null`...)
	case utf8.Valid(h.Value):
		dst = decode.AppendString(append(dst, `,"value":`...), string(h.Value))
	default:
		dst = append(base64.StdEncoding.AppendEncode(append(dst, `,"base64":"`...), h.Value), '"')
	}
	return append(dst, '}')
}

// appendSide writes a key or a value, and the id of the schema that it was written with.
func appendSide(dst []byte, name string, payload []byte, v *decode.Value) []byte {
	if id, err := decode.SchemaID(payload); err == nil {
		dst = fmt.Appendf(dst, `,"%s_schema_id":%d`, name, id)
	}
	dst = fmt.Appendf(dst, `,"%s":`, name)
	return decode.AppendJSON(dst, v)
}

func appendRaw(dst []byte, r *consume.Record) []byte {
	dst = append(append(dst, place(r)...), '\t')
	dst = append(appendHex(dst, r.Key), '\t')
	return appendHex(dst, r.Value)
}

func appendHex(dst, b []byte) []byte {
	if b == nil {
		return append(dst, '-')
	}
	return hex.AppendEncode(dst, b)
}

// place is where a record lies: topic, partition and offset.
func place(r *consume.Record) string {
	return r.Topic + "/" + strconv.Itoa(int(r.Partition)) + "@" + strconv.FormatInt(r.Offset, 10)
}

// at adds to an error which record it is of.
func at(r *consume.Record, side string, err error) error {
	return &fault.Error{Kind: fault.KindOf(err), Op: "show the " + side + " of", Object: place(r), Cause: err, Permanent: fault.IsPermanent(err)}
}
