package postgres

import (
	"sync/atomic"
	"time"

	"rdip/offsets"
)

// progress is where the stream stands, shared by the goroutines of a Reader and by Status. It outlives
// reconnections. Every method may be called by any goroutine.
type progress struct {
	confirmed atomic.Uint64 // everything before it is durable (G4)
	read      atomic.Uint64 // the newest place in the log that was received
	server    atomic.Uint64 // the newest place that the server said it has sent or passed
	lastWire  atomic.Int64  // of the last bytes from the server: ns since processStart, 0 for never
	connected atomic.Bool
	held      holds                  // what confirmed must not pass
	rows      atomic.Uint64          // rows of captured tables that were handed over, as of the last commit
	marked    atomic.Uint64          // a place that is told again once it is passed, 0 for none
	ask       chan struct{}          // holds one wish that the server be asked how far it is
	beats     atomic.Uint64          // heartbeats of our slot that came back
	heartbeat atomic.Pointer[string] // why the last heartbeat could not be written, nil where it could
}

func newProgress() *progress { return &progress{ask: make(chan struct{}, 1)} }

// await has the stream tell that it has passed a place, also where it has already: nothing may come after it for
// long. It never blocks.
func (p *progress) await(place uint64) {
	raise(&p.marked, place)
	select {
	case p.ask <- struct{}{}:
	default:
	}
}

// passes says whether an awaited place is at or before end, which is awaited no more then.
func (p *progress) passes(end uint64) bool {
	place := p.marked.Load()
	return place != 0 && place <= end && p.marked.CompareAndSwap(place, 0)
}

// confirm says that everything before place is durable. An older place is ignored, and a newer one counts as
// far as no prepared transaction holds it (P37).
func (p *progress) confirm(place uint64) { raise(&p.confirmed, p.held.floor(place)) }

// begin says that a session begins from a position, which is durable.
func (p *progress) begin(from offsets.Position) {
	p.held.begin(from)
	p.confirm(from.Place)
}

// arrived notes that bytes came from the server.
func (p *progress) arrived(now time.Time) { p.lastWire.Store(int64(now.Sub(processStart))) }

// heard is when bytes last came, with the monotonic reading that a clock jump does not move (D3); zero for
// never.
func (p *progress) heard() time.Time {
	since := p.lastWire.Load()
	if since == 0 {
		return time.Time{}
	}
	return processStart.Add(time.Duration(since))
}

var processStart = time.Now()

// raise sets v to n unless it is higher already.
func raise(v *atomic.Uint64, n uint64) {
	for {
		old := v.Load()
		if n <= old || v.CompareAndSwap(old, n) {
			return
		}
	}
}
