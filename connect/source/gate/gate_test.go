package gate

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
		g := New()
		var inside atomic.Int32
		ctx, stop := context.WithCancel(t.Context())
		var lanes sync.WaitGroup
		for i := range 3 {
			lanes.Go(func() {
				for g.Enter(ctx) == nil {
					inside.Add(1)
					time.Sleep(time.Duration(i+1) * 7 * time.Millisecond)
					inside.Add(-1)
					g.Leave()
				}
			})
		}
		for range 50 {
			time.Sleep(10 * time.Millisecond)
			began := time.Now()
			if err := g.Shut(ctx); err != nil {
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
			g.Open()
		}
		stop()
		g.End(context.Canceled)
		lanes.Wait()
	})
}

func TestAShutGateEndsItsWaitingInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New()
		if err := g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Shut(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shut with a lane inside: %v", err)
		}
		if err := g.Enter(t.Context()); err != nil { // a wait that was given up holds nobody back
			t.Errorf("enter: %v", err)
		}
		g.End(context.Canceled)
		if err := g.Enter(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("enter behind the end: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			g.Lose()
		}()
		if err := g.Shut(t.Context()); !errors.Is(err, ErrNotWhole) {
			t.Errorf("shut with a lane that is lost: %v", err)
		}
	})
}
