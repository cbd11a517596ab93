package offsets

// entry is one batch between its opening and the moment when it and all before it are acknowledged.
type entry struct {
	sealed bool
	acked  bool
	last   Position // the newest commit boundary in the batch, or reached behind it with nothing buffered
	chunks []Chunk  // finished with this batch; the entry's own memory, reused
}

// ring holds the outstanding batches of one lane in the order of their tokens. It grows by doubling and
// never shrinks, so that a lane with a bounded number of batches stops allocating.
type ring struct {
	slots []entry // its length is a power of two
	head  Token   // the oldest outstanding batch
	next  Token   // the token that Open hands out next
}

const initialSlots = 16

func newRing() ring {
	// Tokens start at 1: the zero Token is never a batch.
	return ring{slots: make([]entry, initialSlots), head: 1, next: 1}
}

func (r *ring) len() int { return int(r.next - r.head) }

func (r *ring) holds(t Token) bool { return t >= r.head && t < r.next }

func (r *ring) at(t Token) *entry { return &r.slots[uint64(t)&uint64(len(r.slots)-1)] }

func (r *ring) push() Token {
	if r.len() == len(r.slots) {
		r.grow()
	}
	t := r.next
	r.next++
	return t
}

// pop gives up the oldest batch, keeping the memory of its chunks for a later one.
func (r *ring) pop() {
	e := r.at(r.head)
	clear(e.chunks)
	*e = entry{chunks: e.chunks[:0]}
	r.head++
}

func (r *ring) grow() {
	old := *r
	r.slots = make([]entry, 2*len(old.slots))
	for t := old.head; t < old.next; t++ {
		*r.at(t) = *old.at(t)
	}
}
