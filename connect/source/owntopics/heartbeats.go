package owntopics

import (
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/schema"
)

// Heartbeats writes records of the heartbeat topic, so that a consumer sees that an idle connector lives. They
// go through the stream's lane at its ends of transactions, behind everything that came before: what a
// heartbeat in the log, a keepalive or a transaction brings.
type Heartbeats struct {
	Topic
	prefix string
	every  time.Duration
	Last   time.Time // of the newest record, or when the lane began
}

// NewHeartbeats is for one lane; its first record is due an interval from now.
func NewHeartbeats(o *Settings, prefix string) *Heartbeats {
	return &Heartbeats{prefix: prefix, every: o.HeartbeatEvery, Last: time.Now(),
		Topic: Topic{Topic: records.Topic{Name: o.HeartbeatTopic}, keySchema: schema.HeartbeatKeySchema, valueSchema: schema.HeartbeatValueSchema}}
}

// IsDue says whether the interval has passed since the last record.
func (h *Heartbeats) IsDue() bool { return time.Since(h.Last) >= h.every }

// Append writes a record.
func (h *Heartbeats) Append(b *records.Batch) error {
	h.Last = time.Now()
	s := h.begin(b)
	b.Arena = envelope.AppendString(b.Arena, h.prefix)
	if err := h.keyDone(b, &s); err != nil {
		return err
	}
	b.Arena = envelope.AppendLong(b.Arena, h.Last.UnixMilli())
	return h.end(b, s, nil)
}
