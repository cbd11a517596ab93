package snapshot

import (
	"maps"
	"slices"

	"rdip/offsets"
)

// owedKeys are the keys of rows that the log gave only in part (unchanged TOAST) while their table was being
// read. Such a row may have moved from a part of the table that is still to be read into one that was: nobody
// else gives it whole. Each is 0, or the number of the window that gave it and is not durable yet.
type owedKeys map[string]uint64

const (
	// owedAtOnce is after how many keys they are read by turns with the table's other chunks.
	owedAtOnce = 1000
	// owedPerWindow is how many are asked for by key at a time.
	owedPerWindow = 500
	// defaultOwed is how many bytes may be owed, of all tables together, before the table that owes more is
	// planned again.
	defaultOwed = 4 << 20
	// owedCost is what a key takes beside its bytes.
	owedCost = 64
)

// cost is how many bytes the keys take.
func (o owedKeys) cost() int {
	n := 0
	for key := range o {
		n += len(key) + owedCost
	}
	return n
}

// owe notes a key that is owed. However many rows a transaction touches, and however long a table is paused, the
// keys are bounded (G8): beyond the bound they are forgotten, and the table is read from its beginning. That is
// stored at once, since without them what was read is worth nothing. The caller holds mu.
func (s *Readings) owe(r *reading, key []byte) {
	s.owing += len(key) + owedCost // forgiven ones are taken off when it is counted
	if s.owing > s.owingMost {
		s.owing = len(key) + owedCost
		for _, other := range s.tables {
			s.owing += other.owed.cost()
		}
	}
	r.changed()
	if s.owing <= s.owingMost {
		r.owed[string(key)] = 0
		return
	}
	r.owed, r.overrun, r.from = owedKeys{}, true, s.window+1
	r.record.Plan, r.record.Chunks, r.record.Done = "", 0, offsets.Ranges{}
}

// overran says whether more was owed of a table than is kept.
func (s *Readings) overran(r *reading) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return r.overrun
}

// due is how many no window has given.
func (o owedKeys) due() int {
	n := 0
	for _, window := range o {
		if window == 0 {
			n++
		}
	}
	return n
}

// take is some keys to ask for.
func (o owedKeys) take() []string {
	var keys []string
	for key, window := range o {
		if window == 0 {
			keys = append(keys, key)
		}
		if len(keys) == owedPerWindow {
			break
		}
	}
	slices.Sort(keys)
	return keys
}

// settle forgets what a window gave that is durable now.
func (o owedKeys) settle(window uint64) {
	if window == 0 {
		return
	}
	maps.DeleteFunc(o, func(_ string, of uint64) bool { return of == window })
}

// stored is the keys as they are kept.
func (o owedKeys) stored() [][]string {
	var keys [][]string
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if values, ok := unpackKey(key); ok {
			keys = append(keys, values)
		}
	}
	return keys
}
