package source

import (
	"rdip/connect/source/deadletter"
	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/sinks"
)

// openRoute makes the topic that a row goes to, registers its schemas, and writes the row.
func (l *lane) openRoute(x *encoding, u *records.Unrouted, e *envelope.Event) error {
	if err := l.Flush(); err != nil {
		return err
	}
	err := l.makeRoute(u)
	switch {
	case err == nil:
		return l.row(x, e)
	case l.givesUp(err) && isSchemaRefusal(err):
		return l.undelivered(x, e, err, deadletter.ReasonSchema)
	case l.givesUp(err):
		return l.gaveUp(x, e, err)
	default:
		return err
	}
}

func (l *lane) makeRoute(u *records.Unrouted) error {
	target, err := l.topic(u.Topic)
	if err != nil {
		return err
	}
	return u.Open(l.ctx, target)
}

// topic makes or verifies a topic, and refuses one that is not that of the stored position (K11).
func (l *lane) topic(name string) (sinks.Topic, error) {
	target, err := l.run.producer.Prepare(l.ctx, name)
	if err != nil {
		return target, err
	}
	return target, l.run.tables.known(target)
}
