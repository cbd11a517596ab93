package source

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheGateIsShutOnlyWhileNobodyIsInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		var inside atomic.Int32
		ctx, stop := context.WithCancel(t.Context())
		var lanes sync.WaitGroup
		for i := range 3 {
			lanes.Go(func() {
				for g.enter(ctx) == nil {
					inside.Add(1)
					time.Sleep(time.Duration(i+1) * 7 * time.Millisecond)
					inside.Add(-1)
					g.leave()
				}
			})
		}
		for range 50 {
			time.Sleep(10 * time.Millisecond)
			began := time.Now()
			if err := g.shut(ctx); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited > 21*time.Millisecond {
				t.Errorf("lanes that came later kept the gate open: %v", waited)
			}
			for range 3 {
				if n := inside.Load(); n != 0 {
					t.Fatalf("%d lanes are inside", n)
				}
				time.Sleep(time.Millisecond)
			}
			g.open()
		}
		stop()
		g.end(context.Canceled)
		lanes.Wait()
	})
}

func TestAShutGateEndsItsWaitingInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.shut(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shut with a lane inside: %v", err)
		}
		if err := g.enter(t.Context()); err != nil { // a wait that was given up holds nobody back
			t.Errorf("enter: %v", err)
		}
		g.end(context.Canceled)
		if err := g.enter(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("enter behind the end: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			g.lose()
		}()
		if err := g.shut(t.Context()); !errors.Is(err, errNotWhole) {
			t.Errorf("shut with a lane that is lost: %v", err)
		}
	})
}
