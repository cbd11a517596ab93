package deadletter

import (
	"errors"
	"strconv"

	"rdip/sinks"
)

// Headers of dead letters: Kafka Connect's, as far as they mean something here (DeadLetterQueueReporter), and ours.
const (
	errorsTopic     = "__connect.errors.topic"             // where the record would have gone
	errorsConnector = "__connect.errors.connector.name"    //
	errorsTask      = "__connect.errors.task.id"           // always 0
	errorsStage     = "__connect.errors.stage"             // one of Connect's: TASK_POLL, VALUE_CONVERTER, KAFKA_PRODUCE
	errorsMessage   = "__connect.errors.exception.message" // why, for people; never with a row's values

	letterTable       = "__rdip.table"       // schema.table
	letterReason      = "__rdip.reason"      // value, schema, size or row
	letterOp          = "__rdip.op"          // c, u, d, r or t
	letterPosition    = "__rdip.position"    // where in the log, in the source's own form
	letterTransaction = "__rdip.transaction" // PostgreSQL: the xid
	letterBytes       = "__rdip.bytes"       // of what is left out, for it is too large
)

// mostMessage bounds the text of an error in a header.
const mostMessage = 4 << 10

// Origin is where a letter comes from.
type Origin struct {
	Connector   string
	Alike       *Alike // what the letters before it had alike; nil: this is the only one
	Position    string // in the source's own form; "": not known
	Transaction uint64 // 0: not known
}

// headers say why a letter is one, and where it comes from; none without from. left is how many bytes of it were left out.
// The first of them, as many as alike says, are in memory once for this letter and others.
func (m *Letter) headers(from *Origin, left int) (headers []sinks.Header, alike int) {
	if from == nil {
		return nil, 0
	}
	same, known := from.Alike.of(m, from.Connector)
	if known {
		alike = len(same)
	}
	headers = append(make([]sinks.Header, 0, len(same)+4), same...)
	add := func(key, value string) { headers = append(headers, sinks.Header{Key: key, Value: []byte(value)}) }
	if m.Op != 0 {
		add(letterOp, string(rune(m.Op)))
	}
	if from.Position != "" {
		add(letterPosition, from.Position)
	}
	if from.Transaction != 0 {
		add(letterTransaction, strconv.FormatUint(from.Transaction, 10))
	}
	var large tooLarge
	switch {
	case left > 0:
		add(letterBytes, strconv.Itoa(left))
	case errors.As(m.Why, &large):
		add(letterBytes, strconv.FormatInt(large.TooLarge(), 10))
	}
	return headers, alike
}

// stage is where in Connect's terms it went wrong.
func (r Reason) stage() string {
	switch r {
	case ReasonSize:
		return "KAFKA_PRODUCE"
	case ReasonRow:
		return "TASK_POLL"
	default:
		return "VALUE_CONVERTER"
	}
}
