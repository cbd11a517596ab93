// Package gate keeps the ends of Kafka transactions between the transactions of the source.
package gate

import (
	"context"
	"errors"
	"sync"
)

// Gate keeps a Kafka transaction from being ended inside a source transaction or a chunk: lanes are inside from the
// beginning of one to its end, and who ends the Kafka transaction shuts the gate, waits until all have left, and opens
// it again. A gate that is being shut lets nobody in, so that lanes cannot keep it open for ever. Entering and leaving
// are once a source transaction. It is safe for concurrent use.
type Gate struct {
	mu     sync.Mutex
	inside int
	isShut bool
	isOver error         // no lane enters any more
	isLost bool          // a lane will never leave: what was sent is not to be committed
	turn   chan struct{} // closed and made anew at each change that somebody may wait for
}

// ErrNotWhole is a Kafka transaction that holds a part of a source transaction: it can only be aborted.
var ErrNotWhole = errors.New("a transaction of the source was not handed over to its end")

// New is a gate that is open.
func New() *Gate { return &Gate{turn: make(chan struct{})} }

// changed wakes all that wait. The caller holds mu.
func (g *Gate) changed() {
	close(g.turn)
	g.turn = make(chan struct{})
}

// Enter waits until the gate is open.
func (g *Gate) Enter(ctx context.Context) error {
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

// Leave is for each Enter that returned nil.
func (g *Gate) Leave() {
	g.mu.Lock()
	g.inside--
	if g.inside == 0 && g.isShut {
		g.changed()
	}
	g.mu.Unlock()
}

// Shut returns once no lane is inside, and none enters until open. One caller at a time.
func (g *Gate) Shut(ctx context.Context) error {
	for {
		g.mu.Lock()
		if g.isLost {
			defer g.mu.Unlock()
			return ErrNotWhole
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
			g.Open()
			return context.Cause(ctx)
		}
	}
}

// Open lets lanes in again.
func (g *Gate) Open() {
	g.mu.Lock()
	g.isShut = false
	g.changed()
	g.mu.Unlock()
}

// End has every later enter fail with err; lanes that are inside go on.
func (g *Gate) End(err error) {
	g.mu.Lock()
	g.isOver = err
	g.changed()
	g.mu.Unlock()
}

// Lose says that a lane which is inside will never leave.
func (g *Gate) Lose() {
	g.mu.Lock()
	g.isLost = true
	g.changed()
	g.mu.Unlock()
}
