package offsets

// Signals is how far a connector's signals were taken, and those that wait to be acted upon. It is stored with the
// position, and with what acting on one changes, so that each is acted upon once, whenever the process ends. The
// names in the file are part of Format.
type Signals struct {
	// Place is the newest transaction of the log whose signals were taken; those of it and of earlier ones, which
	// the source sends again after a restart, are not taken again.
	Place uint64 `json:"place,omitempty"`
	// Topic is the signal topic that Next, the offset to read from, belongs to; "" before it was first read.
	Topic string `json:"topic,omitempty"`
	Next  int64  `json:"next,omitempty"`
	// Waiting are in the order in which they came. The slice is not changed in place.
	Waiting []Signal `json:"waiting,omitempty"`
	Number  uint64   `json:"number,omitempty"` // of the newest signal that was taken
}

// IsZero says whether there is nothing to store.
func (s Signals) IsZero() bool {
	return s.Place == 0 && s.Topic == "" && len(s.Waiting) == 0 && s.Number == 0
}

// Signal is one that was taken: Debezium's three columns, and where it came from.
type Signal struct {
	Number  uint64 `json:"number"` // counts the connector's signals
	Channel string `json:"channel"`
	ID      string `json:"id"`
	Type    string `json:"type"`
	Data    string `json:"data,omitempty"`
}
