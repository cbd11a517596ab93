package source

import (
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/schema"
)

// heartbeats writes records of the heartbeat topic, so that a consumer sees that an idle connector lives. They
// go through the stream's lane at its ends of transactions, behind everything that came before: what a
// heartbeat in the log, a keepalive or a transaction brings.
type heartbeats struct {
	ownTopic
	prefix string
	every  time.Duration
	last   time.Time
}

func newHeartbeats(o *Own, prefix string) *heartbeats {
	return &heartbeats{prefix: prefix, every: o.HeartbeatEvery, last: time.Now(),
		ownTopic: ownTopic{Topic: records.Topic{Name: o.HeartbeatTopic}, keySchema: schema.HeartbeatKeySchema, valueSchema: schema.HeartbeatValueSchema}}
}

// beat writes a record where the interval has passed since the last.
func (l *lane) beat() error {
	h := l.own.heartbeats
	if time.Since(h.last) < h.every {
		return nil
	}
	if err := l.open(&h.ownTopic); err != nil {
		return err
	}
	h.last = time.Now()
	s := l.openRecord(&h.ownTopic)
	l.batch.Arena = envelope.AppendString(l.batch.Arena, h.prefix)
	if err := l.keyDone(&h.ownTopic, &s); err != nil {
		return err
	}
	l.batch.Arena = envelope.AppendLong(l.batch.Arena, h.last.UnixMilli())
	return l.closeRecord(&h.ownTopic, s, nil)
}
