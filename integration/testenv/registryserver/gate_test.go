package registryserver

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// gated is a gate before a server that answers with the path it was asked for, and counts.
func gated(t *testing.T) (*Gate, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = fmt.Fprint(w, r.URL.Path)
	}))
	t.Cleanup(behind.Close)
	g, err := NewGate(behind.URL + "/apis/ccompat/v7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g, &asked
}

func register(t *testing.T, g *Gate) (int, string, http.Header, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(g.URL()+"/subjects/s/versions", "application/json", strings.NewReader("{}"))
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), resp.Header, err
}

func TestAGatePassesAnswersAndTakesThemInItsOwnHand(t *testing.T) {
	g, asked := gated(t)
	if code, body, _, err := register(t, g); err != nil || code != 200 || body != "/apis/ccompat/v7/subjects/s/versions" {
		t.Errorf("passing: %d %q %v", code, body, err)
	}
	g.Intercept(Answer{Status: 429, Header: map[string]string{"Retry-After": "3"}, Body: "slow down"})
	if code, body, header, err := register(t, g); err != nil || code != 429 || body != "slow down" || header.Get("Retry-After") != "3" {
		t.Errorf("429: %d %q %v %v", code, body, header, err)
	}
	g.Intercept(Answer{Delay: 60 * time.Millisecond})
	began := time.Now()
	if code, _, _, err := register(t, g); err != nil || code != 200 || time.Since(began) < 60*time.Millisecond {
		t.Errorf("slow: %d %v after %v", code, err, time.Since(began))
	}
	before := asked.Load()
	g.Intercept(Answer{Cut: true})
	if code, _, _, err := register(t, g); err == nil || asked.Load() != before {
		t.Errorf("cut: %d, and the server was asked %d times", code, asked.Load()-before)
	}
	g.Intercept(Answer{Lost: true})
	if code, _, _, err := register(t, g); err == nil || asked.Load() != before+1 {
		t.Errorf("lost: %d, and the server was asked %d times", code, asked.Load()-before)
	}
	g.Pass()
	if code, _, _, err := register(t, g); err != nil || code != 200 {
		t.Errorf("passing again: %d %v", code, err)
	}
	if got, want := g.Counts(), (Counts{Registrations: 6, Intercepted: 4}); got != want {
		t.Errorf("counted %+v, not %+v", got, want)
	}
}
