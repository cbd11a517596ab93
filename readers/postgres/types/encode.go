// Package types turns PostgreSQL's types into Avro's: which form each type of the catalog takes in the configured
// modes, the encoder from the text that pgoutput and COPY send to Avro binary, what stands in for a value that
// is not there, and the constants of DEFAULT clauses. It knows neither tables nor the log.
package types

import "rdip/internal/fault"

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

// floorDiv rounds towards minus infinity, as java.time does when it narrows an instant.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
