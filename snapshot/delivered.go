package snapshot

import "sync"

// delivered knows which transactions the stream has handed on, of those that touched a table with work left,
// until a view sees them: a row of a view that does not may be older than what went out (P67). It is safe for
// concurrent use, and costs a lock a transaction.
type delivered struct {
	mu      sync.Mutex
	current *window // its rows are recorded
	before  idSet   // began before current was armed: not recorded
	during  idSet
	// forgot: there were too many in before. What of them is not seen is in progress for the next view.
	forgot bool
}

// deliveredBlocks is how many blocks of each set are kept: a few MB, for millions of transactions.
const deliveredBlocks = 1 << 16

// arm begins to tell apart what comes from now on.
func (d *delivered) arm(w *window) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for base, b := range d.during {
		d.before.put(base, b)
	}
	d.during, d.current = nil, w
	d.bound()
}

// add is a transaction that began while w was armed; nil for none. fits is false where the window has lasted for
// more of them than are kept.
func (d *delivered) add(id, place uint64, w *window) (fits bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := idBlock{bits: 1 << (id % 64), place: place}
	if w != nil && w == d.current {
		d.during.put(id/64, b)
		return len(d.during) <= deliveredBlocks
	}
	d.before.put(id/64, b)
	d.bound()
	return true
}

// bound forgets what is too much, such as while the one table that is left has stopped and no view is taken. The
// caller holds mu.
func (d *delivered) bound() {
	if len(d.before) > deliveredBlocks {
		d.before, d.forgot = nil, true
	}
}

// hasForgotten says whether transactions were forgotten; again makes it begin anew.
func (d *delivered) hasForgotten(again bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	forgot := d.forgot
	d.forgot = forgot && !again
	return forgot
}

// unseen is a transaction that was delivered, not recorded, and is not in the view. Those that are in it are
// forgotten: every later view sees them too.
func (d *delivered) unseen(v View) (id uint64, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for base, b := range d.before {
		for i := range uint64(64) {
			if b.bits&(1<<i) == 0 {
				continue
			}
			if v.Sees(base*64+i, b.place) {
				b.bits &^= 1 << i
				continue
			}
			id, ok = base*64+i, true
		}
		if b.bits == 0 {
			delete(d.before, base)
			continue
		}
		d.before[base] = b
	}
	return id, ok
}

// recorded says whether a transaction's rows are in the current window.
func (d *delivered) recorded(id uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.during[id/64].bits&(1<<(id%64)) != 0
}

// idSet is a set of ids in blocks of 64 that lie next to one another, as transaction ids do.
type idSet map[uint64]idBlock

// idBlock is 64 ids, and the newest commit of them: no view that sees that one may miss the others for their
// place.
type idBlock struct{ bits, place uint64 }

func (s *idSet) put(base uint64, b idBlock) {
	if *s == nil {
		*s = idSet{}
	}
	was := (*s)[base]
	(*s)[base] = idBlock{bits: was.bits | b.bits, place: max(was.place, b.place)}
}
