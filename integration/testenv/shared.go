package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// sharedContext bounds nothing: shared servers outlive the tests that start them, and cleanups run
// after a test's own context has ended.
var sharedContext = context.Background()

type closer interface{ Close() error }

var instances = struct {
	sync.Mutex
	open   bool // Main runs, so that there is somebody to close them
	order  []closer
	byName map[string]any
}{byName: map[string]any{}}

// saramaMetrics is a goroutine that sarama's metrics start once in a process and never end.
var saramaMetrics = goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")

// Main runs a package's tests, then stops the shared servers, checks that no goroutine is left, and
// exits. Call it from TestMain:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
func Main(m *testing.M, options ...goleak.Option) { os.Exit(Run(m, options...)) }

// Run is Main that gives the exit code, for a TestMain that has something to say at the end.
func Run(m *testing.M, options ...goleak.Option) int {
	instances.open = true
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintf(os.Stderr, "testenv: %v\n", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(append(options, saramaMetrics)...); err != nil {
			fmt.Fprintf(os.Stderr, "testenv: goroutines are left after the tests: %v\n", err)
			code = 1
		}
	}
	return code
}

// shared is the instance of that name, started by the first call while the others wait.
func shared[T closer](t testing.TB, name string, start func() (T, error)) T {
	t.Helper()
	instances.Lock()
	defer instances.Unlock()
	if !instances.open {
		t.Fatal("shared servers want func TestMain(m *testing.M) { testenv.Main(m) } in this package")
	}
	if have, ok := instances.byName[name]; ok {
		return have.(T)
	}
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	instances.byName[name] = s
	instances.order = append(instances.order, s)
	return s
}

func closeShared() error {
	instances.Lock()
	defer instances.Unlock()
	var errs []error
	for _, s := range instances.order {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Running are the goroutines of servers that run right now, for a goleak check inside a test: shared
// servers outlive it. Main's own check comes after they have stopped and ignores none of them.
func Running() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("rdip/integration/testenv/process.(*Process).run"),
		saramaMetrics,
	}
}
