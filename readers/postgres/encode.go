package postgres

import (
	"encoding/binary"
	"strconv"

	"rdip/internal/fault"
)

// Every encoder of this package is an envelope.ColumnEncoder over the server's text form of a value, as both
// pgoutput and COPY send it. Encoders hold no state, so that one Layout serves several snapshot lanes at
// once; where one needs room to work in, it works behind the end of dst.

// malformed is a value whose text is not of its type: the session's settings are not the pinned ones, or the
// layout is not the row's.
type malformed string

func (m malformed) Error() string { return "the server's text is not " + string(m) }

// refusal is why a value that is right cannot be written.
type refusal string

func (r refusal) Error() string { return string(r) }

// unholdable is the error of a value that is right and that the column's Avro type cannot hold. It never
// becomes null.
func unholdable(what, hint string) error {
	return &fault.Error{Cause: refusal(what), Hint: hint, Permanent: true}
}

// appendDecimal is n in decimal digits.
func appendDecimal(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// prefixLength puts the Avro length of dst[mark:] in front of it.
func prefixLength(dst []byte, mark int) []byte {
	var prefix [binary.MaxVarintLen64]byte
	n := len(dst) - mark
	k := binary.PutVarint(prefix[:], int64(n))
	dst = append(dst, prefix[:k]...)
	copy(dst[mark+k:], dst[mark:mark+n])
	copy(dst[mark:], prefix[:k])
	return dst
}

// floorDiv rounds towards minus infinity, as java.time does when it narrows an instant.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
