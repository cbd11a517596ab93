package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rdip/connect/rest"
)

func TestHelpIsAskedForAsPeopleTypeIt(t *testing.T) {
	for _, c := range []struct{ typed, means string }{
		{"help", "--help"},
		{"help check", "check --help"},
		{"help offsets set", "offsets set --help"},
		{"check help", "check help"},
		{"status", "status"},
	} {
		if got := asFlag(strings.Fields(c.typed)); !slices.Equal(got, strings.Fields(c.means)) {
			t.Errorf("rdip %s means %v, want %s", c.typed, got, c.means)
		}
	}
}

func TestTheNameOfAConnectorThatIsNotThereIsRefusedWithThoseThatAre(t *testing.T) {
	s := &settings{path: "rdip.yaml", connectors: []connectorSettings{{name: "shop"}, {name: "crm"}}}
	if c, err := s.named("crm"); err != nil || c != &s.connectors[1] {
		t.Errorf("%v, %v", c, err)
	}
	_, inFile := s.named("nix")
	for _, err := range []error{inFile, mustHave("nix", []string{"shop", "crm"})} {
		if err == nil || !strings.Contains(err.Error(), "shop") || !strings.Contains(err.Error(), "crm") || !strings.Contains(err.Error(), "fix: ") {
			t.Errorf("%v", err)
		}
	}
	for _, name := range []string{"", "crm"} {
		if err := mustHave(name, []string{"shop", "crm"}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Where no terminal has a bar, the log has the same.
func TestTheLogHasWhatTheBarShows(t *testing.T) {
	for _, c := range []struct {
		name string
		of   progress
		want []any
	}{
		{"all known", progress{rows: 500, of: 2000, done: 0.25, rate: 49.6, left: 30*time.Second + time.Millisecond, known: true},
			[]any{"done", "25%", "rows", int64(500), "of_about", int64(2000), "rows_per_second", int64(49), "left", 30 * time.Second}},
		{"rows and end unknown", progress{rows: 5, rate: 2}, []any{"done", "0%", "rows", int64(5), "rows_per_second", int64(2)}},
	} {
		if got := c.of.attributes(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// At the address of the daemon something else may listen, which knows no connectors.
func TestAnotherServiceAtTheAddressIsNotTakenForRdip(t *testing.T) {
	for body, want := range map[string]string{
		"<html>not found</html>":                                    "another service listens there",
		`{"error_code": 404, "message": "Connector nix not found"}`: "Connector nix not found (fix: rdip status shows the connectors)",
	} {
		err := refusal("http://127.0.0.1:8083/connectors/nix", &http.Response{StatusCode: http.StatusNotFound, Status: "404 Not Found"}, []byte(body))
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// What was stopped is not done, and nothing of it is still to come.
func TestAStoppedReadingIsNotShownAsDone(t *testing.T) {
	seconds := int64(0)
	for state, want := range map[string]string{"stopped": "- -", "finished": "100% 0s"} {
		s := rest.SnapshotStatus{Table: "shop.big"}
		s.State, s.Share, s.SecondsLeft = state, 1, &seconds
		if got := shareDone(&s) + " " + timeLeft(&s); got != want {
			t.Errorf("%s: %s, want %s", state, got, want)
		}
	}
}
