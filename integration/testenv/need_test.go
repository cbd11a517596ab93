package testenv

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"rdip/integration/testenv/component"
)

// recorder is a testing.TB that only remembers how a test ended.
type recorder struct {
	testing.TB
	ended   string
	message string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatal(args ...any) { r.end("failed", args) }

func (r *recorder) Skip(args ...any) { r.end("skipped", args) }

func (r *recorder) end(how string, args []any) {
	r.ended, r.message = how, fmt.Sprint(args...)
	runtime.Goexit()
}

func outcome(components ...component.Component) *recorder {
	r := &recorder{ended: "went on"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Need(r, components...)
	}()
	<-done
	return r
}

func TestAMissingComponentSkipsAtHomeAndFailsInCI(t *testing.T) {
	const hint = "(fix: go run ./integration/testenv/install kafka)"
	cases := []struct {
		name, ci  string
		installed bool
		want      string
	}{
		{"missing at home", "", false, "skipped"},
		{"missing with CI=false", "false", false, "skipped"},
		{"missing in CI", "true", false, "failed"},
		{"installed in CI", "true", true, "went on"},
	}
	there := component.Kafka()
	if !there.Installed() {
		Need(t, there)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !c.installed {
				t.Setenv("RDIP_CACHE", t.TempDir())
			}
			t.Setenv("CI", c.ci)
			got := outcome(component.Kafka())
			if got.ended != c.want {
				t.Errorf("the test %s (%s), want %s", got.ended, got.message, c.want)
			}
			if want := "find kafka: not installed " + hint; !c.installed && got.message != want {
				t.Errorf("it says %q, want %q", got.message, want)
			}
		})
	}
}

func TestAMissingComponentsErrorCanBeToldApart(t *testing.T) {
	t.Setenv("RDIP_CACHE", t.TempDir())
	if _, err := component.Registry().Path(); !errors.Is(err, component.ErrMissing) {
		t.Errorf("got %v", err)
	}
}
