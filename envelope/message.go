package envelope

import "encoding/base64"

// AppendMessage appends the value of a logical message's record: Debezium's MessageValue. content is written as
// text turns it into, or as bytes where text is nil. nanos is when the daemon processed it, ns since 1970 UTC.
func AppendMessage(dst []byte, o *Origin, source SourceEncoder, tx *Transaction, m *Message, text func(dst, content []byte) []byte, nanos int64) []byte {
	dst = append(dst, 2, byte(Note), 2) // op; ts_ms is there
	dst = AppendLong(dst, nanos/1e6)
	dst = source(dst, tx, &Event{Op: Note, Place: m.Place})
	dst = o.TransactionID.AppendBlock(dst, tx, m.Place)
	dst = AppendString(append(dst, 2), m.Prefix)
	dst = append(dst, 2)
	if text == nil {
		return AppendString(dst, m.Content)
	}
	return AppendString(dst, text(nil, m.Content))
}

// Base64 is content as binary.handling.mode base64 has it.
func Base64(dst, content []byte) []byte { return base64.StdEncoding.AppendEncode(dst, content) }
