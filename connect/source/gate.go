package source

import (
	"context"
	"errors"
	"sync"
)

// gate keeps a Kafka transaction from being ended inside a source transaction or a chunk: lanes are inside from the
// beginning of one to its end, and who ends the Kafka transaction shuts the gate, waits until all have left, and opens
// it again. A gate that is being shut lets nobody in, so that lanes cannot keep it open for ever. Entering and leaving
// are once a source transaction. It is safe for concurrent use.
type gate struct {
	mu     sync.Mutex
	inside int
	isShut bool
	isOver error         // no lane enters any more
	isLost bool          // a lane will never leave: what was sent is not to be committed
	turn   chan struct{} // closed and made anew at each change that somebody may wait for
}

// errNotWhole is a Kafka transaction that holds a part of a source transaction: it can only be aborted.
var errNotWhole = errors.New("a transaction of the source was not handed over to its end")

func newGate() *gate { return &gate{turn: make(chan struct{})} }

// changed wakes all that wait. The caller holds mu.
func (g *gate) changed() {
	close(g.turn)
	g.turn = make(chan struct{})
}

// enter waits until the gate is open.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		if g.isOver != nil {
			defer g.mu.Unlock()
			return g.isOver
		}
		if !g.isShut {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		turn := g.turn
		g.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	g.inside--
	if g.inside == 0 && g.isShut {
		g.changed()
	}
	g.mu.Unlock()
}

// shut returns once no lane is inside, and none enters until open. One caller at a time.
func (g *gate) shut(ctx context.Context) error {
	for {
		g.mu.Lock()
		if g.isLost {
			defer g.mu.Unlock()
			return errNotWhole
		}
		g.isShut = true
		if g.inside == 0 {
			g.mu.Unlock()
			return nil
		}
		turn := g.turn
		g.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			g.open()
			return context.Cause(ctx)
		}
	}
}

// open lets lanes in again.
func (g *gate) open() {
	g.mu.Lock()
	g.isShut = false
	g.changed()
	g.mu.Unlock()
}

// end has every later enter fail with err; lanes that are inside go on.
func (g *gate) end(err error) {
	g.mu.Lock()
	g.isOver = err
	g.changed()
	g.mu.Unlock()
}

// lose says that a lane which is inside will never leave.
func (g *gate) lose() {
	g.mu.Lock()
	g.isLost = true
	g.changed()
	g.mu.Unlock()
}
