package columns

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"unicode/utf8"

	"rdip/envelope"
)

var errNoString = errors.New("the encoded value is no Avro string")

// mostSerial bounds what a digester keeps for the next row, in bytes: there is one a column.
const mostSerial = 256 << 10

// digester writes the digest of salt and text in place of the text, as Debezium's MaskStrings does.
type digester struct {
	inner envelope.ColumnEncoder
	hash  hash.Hash
	salt  []byte
	java  bool
	limit int // of hexadecimal digits; 0: none

	serial []byte // Java's form of the text
	sum    [64]byte
	digits [128]byte
}

func (d *digester) encode(dst, wire []byte) ([]byte, error) {
	at := len(dst)
	dst, err := d.inner(dst, wire)
	if err != nil {
		return dst, err
	}
	text, err := stringAt(dst, at)
	if err != nil {
		return dst, err
	}
	if d.java {
		d.serial = appendJavaString(d.serial[:0], text)
		text = d.serial
	}
	d.hash.Reset()
	d.hash.Write(d.salt)
	d.hash.Write(text)
	if cap(d.serial) > mostSerial {
		d.serial = nil
	}
	sum := d.hash.Sum(d.sum[:0])
	digits := d.digits[:hex.Encode(d.digits[:], sum)]
	if d.limit > 0 && d.limit < len(digits) {
		digits = digits[:d.limit]
	}
	return envelope.AppendString(dst[:at], digits), nil
}

// stringAt is the Avro string or bytes that begins at a place of b and ends with it.
func stringAt(b []byte, at int) ([]byte, error) {
	n, size := binary.Varint(b[at:])
	if size <= 0 || n != int64(len(b)-at-size) {
		return nil, errNoString
	}
	return b[at+size:], nil
}

// appendJavaString appends what ObjectOutputStream.writeObject writes of a String: the stream's header, TC_STRING
// with a length of two bytes or TC_LONGSTRING with one of eight, and modified UTF-8
// (https://docs.oracle.com/en/java/javase/21/docs/specs/serialization/protocol.html).
func appendJavaString(dst, text []byte) []byte {
	dst = append(dst, 0xac, 0xed, 0, 5)
	size := 0
	for i := 0; i < len(text); {
		n := runeLength(text[i:])
		i += n
		switch {
		case n == 4:
			size += 6
		case n == 1 && text[i-1] == 0:
			size += 2
		default:
			size += n
		}
	}
	if size <= 0xffff {
		dst = binary.BigEndian.AppendUint16(append(dst, 't'), uint16(size))
	} else {
		dst = binary.BigEndian.AppendUint64(append(dst, '|'), uint64(size))
	}
	for i := 0; i < len(text); {
		n := runeLength(text[i:])
		switch {
		case n == 4: // each half of a surrogate pair in three bytes
			r, _ := utf8.DecodeRune(text[i:])
			dst = appendSurrogate(appendSurrogate(dst, 0xd800+(r-0x10000)>>10), 0xdc00+(r-0x10000)&0x3ff)
		case text[i] == 0:
			dst = append(dst, 0xc0, 0x80)
		default:
			dst = append(dst, text[i:i+n]...)
		}
		i += n
	}
	return dst
}

func appendSurrogate(dst []byte, unit rune) []byte {
	return append(dst, 0xe0|byte(unit>>12), 0x80|byte(unit>>6)&0x3f, 0x80|byte(unit)&0x3f)
}

// runeLength is the length of the first character of text that is UTF-8.
func runeLength(text []byte) int {
	if text[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(text)
	return n
}

// cutter writes the first characters of a text, in UTF-16 units, or the first bytes.
type cutter struct {
	inner envelope.ColumnEncoder
	limit int
	bytes bool
}

func (c cutter) encode(dst, wire []byte) ([]byte, error) {
	at := len(dst)
	dst, err := c.inner(dst, wire)
	if err != nil {
		return dst, err
	}
	text, err := stringAt(dst, at)
	if err != nil || len(text) <= c.limit {
		return dst, err
	}
	kept := c.limit
	if !c.bytes {
		kept = unitsLength(text, c.limit)
	}
	if kept == len(text) {
		return dst, nil
	}
	// The length before the text is shorter now, or as long: the text moves to the left.
	head := binary.AppendVarint(dst[:at], int64(kept))
	return append(head, text[:kept]...), nil
}

// unitsLength is how many bytes the first units of UTF-16 take; a character of two units is kept or left out
// whole.
func unitsLength(text []byte, units int) int {
	i := 0
	for i < len(text) {
		n := runeLength(text[i:])
		need := 1
		if n == 4 {
			need = 2
		}
		if units < need {
			return i
		}
		units -= need
		i += n
	}
	return i
}
