package client

import (
	"testing"
	"time"
)

// R1, R4
func TestTheBackoffDoublesIsJitteredAndBounded(t *testing.T) {
	c := &Client{config: Config{MinBackoff: 100 * time.Millisecond, MaxBackoff: 10 * time.Second}}
	for _, k := range []struct {
		name   string
		round  int
		asked  time.Duration
		jitter float64
		want   time.Duration
	}{
		{"the first, least", 1, 0, 0, 75 * time.Millisecond},
		{"the first, middle", 1, 0, 0.5, 100 * time.Millisecond},
		{"the third, middle", 3, 0, 0.5, 400 * time.Millisecond},
		{"the hundredth, least", 100, 0, 0, 7500 * time.Millisecond},
		{"the hundredth, most", 100, 0, 0.999, 10 * time.Second},
		{"Retry-After is the least", 1, 3 * time.Second, 0, 3 * time.Second},
		{"and is jittered upwards", 1, 3 * time.Second, 0.5, 3050 * time.Millisecond},
		{"but never beyond the bound", 1, time.Hour, 0.5, 10 * time.Second},
	} {
		t.Run(k.name, func(t *testing.T) {
			if got := c.backoff(k.round, k.asked, k.jitter); got != k.want {
				t.Errorf("%s, want %s", got, k.want)
			}
		})
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999": 24 * time.Hour,
		"Sun, 22 Nov 2026 12:00:30 GMT": 30 * time.Second, "Sun, 22 Nov 2026 11:00:00 GMT": 0,
	} {
		if got := parseRetryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
