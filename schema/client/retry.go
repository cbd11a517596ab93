package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"rdip/internal/fault"
)

// forever is the number of rounds of a call that only its context ends.
const forever = 0

// retry calls do until it succeeds, fails for good, has failed rounds times (forever: no bound) or ctx
// ends. Before each wait it tells waiting, if any, what failed and for how long. What it returns has
// the last failure in its chain, and the context's cause when that ended it.
func (c *Client) retry(ctx context.Context, rounds int, waiting func(err error, wait time.Duration), do func() error) error {
	for round := 1; ; round++ {
		err := do()
		switch {
		case err == nil || fault.IsPermanent(err):
			return err
		case ctx.Err() != nil:
			return ended(ctx, err)
		case round == rounds:
			return err
		}
		wait := c.backoff(round, retryAfter(err), rand.Float64())
		if waiting != nil {
			waiting(err, wait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ended(ctx, err)
		}
	}
}

// backoff is how long to wait after the round: doubling from MinBackoff, at least what the registry
// asked for, at most MaxBackoff, and less or more by up to a quarter (jitter in [0,1)) so that the
// tables that wait do not come all at once.
func (c *Client) backoff(round int, asked time.Duration, jitter float64) time.Duration {
	wait := c.config.MaxBackoff
	if doublings := round - 1; doublings < 32 && c.config.MinBackoff<<doublings < wait {
		wait = c.config.MinBackoff << doublings
	}
	wait = time.Duration(float64(wait) * (0.75 + jitter/2))
	if asked > 0 {
		wait = max(wait, asked+time.Duration(jitter*float64(c.config.MinBackoff)))
	}
	return min(wait, c.config.MaxBackoff)
}

// ended is err with the reason that no more was tried.
func ended(ctx context.Context, err error) error {
	return fmt.Errorf("%w: gave up waiting: %w", context.Cause(ctx), err)
}
