package rest

import (
	"fmt"
	"time"
)

// Health is GET /health, /health/ready and /health/live. Status and Message are Connect's; with the status
// "unhealthy" the HTTP status is 503.
type Health struct {
	Status     string            `json:"status"` // healthy or unhealthy
	Message    string            `json:"message"`
	Connectors []ConnectorHealth `json:"connectors,omitempty"`
}

// ConnectorHealth is one connector's readiness.
type ConnectorHealth struct {
	Name   string `json:"name"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"` // why not
}

// readiness is progress (D5): a connector is ready while its source talks to us, and what it sends gets
// through. One that a person paused or stopped has nothing to do.
func readiness(connectors []Connector, stale time.Duration, now time.Time) Health {
	h := Health{Status: "healthy", Message: "every connector makes progress"}
	waiting := 0
	for i := range connectors {
		reason := connectors[i].notReady(stale, now)
		if reason != "" {
			waiting++
		}
		h.Connectors = append(h.Connectors, ConnectorHealth{Name: connectors[i].Name, Ready: reason == "", Reason: reason})
	}
	if waiting > 0 {
		h.Status, h.Message = "unhealthy", fmt.Sprintf("%d of %d connectors make no progress", waiting, len(connectors))
	}
	return h
}

func (c *Connector) notReady(stale time.Duration, now time.Time) string {
	switch c.State {
	case Paused, Stopped:
		return ""
	case Failed:
		return orElse(c.Trace, "failed")
	case Unassigned:
		return orElse(c.WaitingOn, "not started")
	}
	for _, t := range c.Tasks {
		if t.State == Failed {
			return fmt.Sprintf("task %d: %s", t.ID, orElse(t.Trace, "failed"))
		}
	}
	if silent := since(now, c.Stats.LastWire, c.Started); silent > stale {
		return because(fmt.Sprintf("nothing from the source for %v", silent), c.WaitingOn)
	}
	if stuck := since(now, c.LastProgress, c.Started); stuck > stale {
		return because(fmt.Sprintf("nothing acknowledged for %v", stuck), c.WaitingOn)
	}
	return ""
}

// since is how long ago the thing last happened; if it never has, it has been due since the start. Times
// that carry Go's monotonic reading are not moved by a clock that jumps (D3).
func since(now, last, started time.Time) time.Duration {
	if last.Before(started) {
		last = started
	}
	if last.IsZero() {
		return 0
	}
	return now.Sub(last).Round(time.Second)
}

func because(what, waitingOn string) string {
	if waitingOn == "" {
		return what
	}
	return what + ", waiting on " + waitingOn
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
