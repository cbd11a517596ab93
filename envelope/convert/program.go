package convert

import (
	"fmt"

	"rdip/schema"
)

// JSONOptions are those of Kafka Connect's JsonConverter.
type JSONOptions struct {
	Schemas     bool // schemas.enable: every record carries its schema
	Numeric     bool // decimal.format: NUMERIC, and not BASE64
	ReplaceNull bool // replace.null.with.default
}

// Program turns Avro into one other format. It is safe for concurrent use.
type Program struct {
	root   slot
	how    style
	head   []byte // before the payload
	tail   []byte
	isText bool
}

// JSON compiles the program that writes what Kafka's JsonConverter writes for an Avro schema's values, byte
// for byte but for floats, which are those of Java 19 and later.
func JSON(avroSchema string, o JSONOptions) (*Program, error) {
	s, err := ParseSchema(avroSchema)
	if err != nil {
		return nil, err
	}
	p := &Program{root: s.root, how: style{numeric: o.Numeric, replaceNull: o.ReplaceNull}}
	if o.Schemas {
		p.head = append(appendConnect([]byte(`{"schema":`), &p.root, "", p.how), `,"payload":`...)
		p.tail = []byte{'}'}
	}
	return p, nil
}

// Text compiles the program that writes a single value as Kafka's StringConverter does, and bytes as they
// are, as ByteArrayConverter does. A record, an array and a map are refused.
func Text(avroSchema string) (*Program, error) {
	s, err := ParseSchema(avroSchema)
	if err != nil {
		return nil, err
	}
	if s.root.typ.kind >= schema.Array {
		return nil, fmt.Errorf("a %s has no form as plain text", s.root.typ.connect)
	}
	return &Program{root: s.root, isText: true}, nil
}

// Append appends one record. avro is Avro binary without a frame, borrowed until Append returns. With an
// error dst is as it was.
func (p *Program) Append(dst, avro []byte) ([]byte, error) {
	r := reader{in: avro}
	out := dst
	if p.isText {
		if !r.isNull(&p.root) {
			out = r.appendTop(out, p.root.typ, true)
		}
	} else {
		out = append(r.append(append(out, p.head...), &p.root, p.how), p.tail...)
	}
	if r.bad || len(r.in) > 0 {
		return dst, ErrCorrupt
	}
	return out, nil
}

// appendTop writes a value that stands alone: text without quotes, bytes raw where asked, else in base64.
func (r *reader) appendTop(dst []byte, t *typ, raw bool) []byte {
	switch {
	case t.kind == schema.String, raw && t.kind == schema.Bytes && t.name != schema.DecimalName:
		return append(dst, r.take(r.long())...)
	case t.kind == schema.Bytes && t.name != schema.DecimalName:
		quoted := appendBytes(nil, r.take(r.long()), t, style{values: true})
		return append(dst, quoted[1:len(quoted)-1]...)
	default:
		return r.appendValue(dst, t, style{values: true})
	}
}
