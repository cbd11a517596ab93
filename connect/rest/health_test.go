package rest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"rdip/connect/metrics"
)

// D5, P47: a connector is ready while it makes progress, whatever its state says.
func TestReadinessIsProgress(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	wire := func(d time.Duration) metrics.ConnectorStats { return metrics.ConnectorStats{LastWire: ago(d)} }
	for name, c := range map[string]struct {
		connector Connector
		notReady  string // what the reason says; "" for ready
	}{
		"it reads and delivers": {Connector{State: Running, Started: ago(time.Hour), LastProgress: ago(time.Second), Stats: wire(time.Second)}, ""},
		"it has just started":   {Connector{State: Running, Started: ago(time.Second)}, ""},
		"it has never heard from its source": {Connector{State: Running, Started: ago(2 * time.Minute)},
			"nothing from the source for 2m0s"},
		"the stream is black-holed": {Connector{State: Running, Started: ago(time.Hour), LastProgress: ago(time.Second), Stats: wire(61 * time.Second)},
			"nothing from the source for 1m1s"},
		"Kafka takes nothing": {Connector{State: Running, Started: ago(time.Hour), LastProgress: ago(90 * time.Second), Stats: wire(0), WaitingOn: "room in the queue"},
			"nothing acknowledged for 1m30s, waiting on room in the queue"},
		"it was started again after a long time": {Connector{State: Running, Started: ago(time.Second), LastProgress: ago(time.Hour), Stats: wire(time.Hour)}, ""},
		"it failed":                              {Connector{State: Failed, Trace: "slot lost"}, "slot lost"},
		"it failed without a word":               {Connector{State: Failed}, "failed"},
		"its task failed":                        {Connector{State: Running, Tasks: []Task{{ID: 3, State: Failed, Trace: "409"}}, Stats: wire(0), LastProgress: now}, "task 3: 409"},
		"it is paused":                           {Connector{State: Paused, Started: ago(time.Hour)}, ""},
		"it waits to be started":                 {Connector{State: Unassigned, WaitingOn: "slot in use by 42"}, "slot in use by 42"},
		"it has not been started yet":            {Connector{State: Unassigned}, "not started"},
	} {
		t.Run(name, func(t *testing.T) {
			h := readiness([]Connector{c.connector}, time.Minute, now)
			if (h.Status == "healthy") != (c.notReady == "") || h.Connectors[0].Ready != (c.notReady == "") || h.Connectors[0].Reason != c.notReady {
				t.Errorf("got %+v", h)
			}
		})
	}
}

// D3: a wall clock that jumps makes nothing stale; Go's times carry a monotonic reading.
func TestAClockThatWentBackMakesNothingStale(t *testing.T) {
	now := time.Now()
	c := Connector{State: Running, Started: now.Add(time.Hour), LastProgress: now.Add(time.Hour), Stats: metrics.ConnectorStats{LastWire: now.Add(time.Hour)}}
	if reason := c.notReady(time.Minute, now); reason != "" {
		t.Error(reason)
	}
}

func TestHealthAnswersWithAStatusThatABalancerReads(t *testing.T) {
	good := shop()
	good.Started, good.LastProgress, good.Stats.LastWire = time.Now(), time.Now(), time.Now()
	stale := shop() // long ago
	stale.Name = "stale"
	for name, c := range map[string]struct {
		runtime     fixed
		alive       error
		ready, live int
		says        string
	}{
		"no connector":       {fixed{}, nil, 200, 200, "healthy"},
		"all make progress":  {fixed{good}, nil, 200, 200, "healthy"},
		"one is stale":       {fixed{good, stale}, nil, 503, 200, "1 of 2 connectors make no progress"},
		"the process is not": {fixed{good}, errors.New("the loop stands"), 200, 503, "healthy"},
	} {
		t.Run(name, func(t *testing.T) {
			_, base := start(t, Options{Runtime: c.runtime, Alive: func() error { return c.alive }})
			for path, want := range map[string]int{"/health": c.ready, "/health/ready": c.ready, "/health/live": c.live} {
				code, body := get(t, base+path)
				var h Health
				if err := json.Unmarshal([]byte(body), &h); err != nil {
					t.Fatal(err)
				}
				if code != want || (h.Status == "healthy") != (want == 200) {
					t.Errorf("%s: %d %s", path, code, body)
				}
				if path != "/health/live" && !strings.Contains(body, c.says) {
					t.Errorf("%s does not say %q", body, c.says)
				}
				if path == "/health/live" && c.alive != nil && h.Message != c.alive.Error() {
					t.Errorf("%s", body)
				}
			}
		})
	}
}
