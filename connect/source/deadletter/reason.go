package deadletter

import "errors"

// Reason is why a row could not be delivered, in one word: a label of the metrics.
type Reason string

// The reasons.
const (
	ReasonValue  Reason = "value"  // it cannot be written as its schema says
	ReasonSchema Reason = "schema" // the registry refuses its schema
	ReasonSize   Reason = "size"   // it is too large, for the topic or for the reader
	ReasonRow    Reason = "row"    // the reader could not read it, such as one whose key is not in the log
)

// tooLarge is a cause that is a size, of a reader or a producer.
type tooLarge interface {
	error
	TooLarge() int64 // bytes of what is refused
}

// ReasonOf is an error's reason, of one that a row was refused with.
func ReasonOf(err error) Reason {
	var large tooLarge
	var both schemas
	switch {
	case errors.As(err, &large):
		return ReasonSize
	case errors.As(err, &both):
		return ReasonSchema
	default:
		return ReasonValue
	}
}

// schemas are of an error that the registry refused a schema with: the registered one and the refused one.
type schemas interface {
	error
	Schemas() (registered, refused string)
}

// WithSchemas adds both schemas to what is logged of a refusal, behind the rest since they are long, so that nobody has to
// ask the registry (R2).
func WithSchemas(err error, logged ...any) []any {
	var both schemas
	if !errors.As(err, &both) {
		return logged
	}
	registered, refused := both.Schemas()
	return append(logged, "registered", registered, "refused", refused)
}
