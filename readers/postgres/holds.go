package postgres

import (
	"sync"

	"rdip/offsets"
)

// holds is which places the server must not be told yet although everything up to a later one is durable: a
// prepared transaction is sent at its PREPARE alone, and its rows are durable only once it is committed (P37).
// Every method may be called by any goroutine.
type holds struct {
	mu   sync.Mutex
	list []hold
}

// hold is one prepared transaction.
type hold struct {
	prepared uint64 // what is confirmed must not pass this
	until    uint64 // unless it is at or behind the end of the decision; 0 while there is none
}

// floor is the newest place that the server may be told, where everything up to place is durable.
func (h *holds) floor(place uint64) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	told, rest := place, h.list[:0]
	for _, one := range h.list {
		if one.until != 0 && one.until <= place {
			continue
		}
		rest = append(rest, one)
		told = min(told, one.prepared)
	}
	h.list = rest
	return told
}

func (h *holds) add(prepared uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, hold{prepared: prepared})
}

// decide says that positions at and behind end have the transaction that was prepared there.
func (h *holds) decide(prepared, end uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.list {
		if h.list[i].prepared == prepared {
			h.list[i].until = end
		}
	}
}

// begin forgets all but what a position that a session begins with says: until something behind it is
// durable, which comes only after what was prepared was sent again, its own hold stays.
func (h *holds) begin(from offsets.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = nil
	if start := startPlace(from); start < from.Place {
		h.list = []hold{{prepared: start, until: from.Place + 1}}
	}
}

// startPlace is where the server has to start for a position: below its place where a transaction was
// prepared there and not decided.
func startPlace(p offsets.Position) uint64 {
	if p.Detail == "" {
		return p.Place
	}
	prepared, err := parseLSN(p.Detail)
	if err != nil {
		return p.Place // decodePosition has refused it
	}
	return min(prepared, p.Place)
}
