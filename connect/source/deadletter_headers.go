package source

import (
	"errors"
	"strconv"

	"rdip/offsets"
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

// letterHeaders say why a letter is one, and where it comes from. left is how many bytes of it were left out.
func (l *lane) letterHeaders(m *letter, left int) []sinks.Header {
	task := l.run.task
	if !task.Errors.Headers {
		return nil
	}
	text := m.why.Error()
	headers := make([]sinks.Header, 0, 11)
	add := func(key, value string) { headers = append(headers, sinks.Header{Key: key, Value: []byte(value)}) }
	add(errorsTopic, m.topic)
	add(errorsConnector, task.Name)
	add(errorsTask, "0")
	add(errorsStage, m.reason.stage())
	add(errorsMessage, text[:min(len(text), mostMessage)])
	add(letterTable, m.table)
	add(letterReason, string(m.reason))
	if m.op != 0 {
		add(letterOp, string(rune(m.op)))
	}
	if m.place != 0 && l.run.reader != nil {
		add(letterPosition, l.run.reader.EncodePosition(offsets.Position{Place: m.place}))
	}
	if l.tx.ID != 0 {
		add(letterTransaction, strconv.FormatUint(l.tx.ID, 10))
	}
	var large tooLarge
	switch {
	case left > 0:
		add(letterBytes, strconv.Itoa(left))
	case errors.As(m.why, &large):
		add(letterBytes, strconv.FormatInt(large.TooLarge(), 10))
	}
	return headers
}

// stage is where in Connect's terms it went wrong.
func (r reason) stage() string {
	switch r {
	case reasonSize:
		return "KAFKA_PRODUCE"
	case reasonRow:
		return "TASK_POLL"
	default:
		return "VALUE_CONVERTER"
	}
}

// reasonOf is an error's reason, of one that a row was refused with.
func reasonOf(err error) reason {
	var large tooLarge
	var both schemas
	switch {
	case errors.As(err, &large):
		return reasonSize
	case errors.As(err, &both):
		return reasonSchema
	default:
		return reasonValue
	}
}
