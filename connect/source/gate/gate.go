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

// wait returns once ready says so or fails. It is asked under the lock, now and after each change.
func (g *Gate) wait(ctx context.Context, ready func() (bool, error)) error {
	for {
		g.mu.Lock()
		is, err := ready()
		turn := g.turn
		g.mu.Unlock()
		if is || err != nil {
			return err
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Enter waits until the gate is open.
func (g *Gate) Enter(ctx context.Context) error {
	return g.wait(ctx, func() (bool, error) {
		if g.isOver != nil || g.isShut {
			return false, g.isOver
		}
		g.inside++
		return true, nil
	})
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
	err := g.wait(ctx, func() (bool, error) {
		if g.isLost {
			return false, ErrNotWhole
		}
		g.isShut = true
		return g.inside == 0, nil
	})
	if err != nil && !errors.Is(err, ErrNotWhole) {
		g.Open() // who waited has given up
	}
	return err
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
