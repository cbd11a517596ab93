package readertest

import (
	"testing"

	"go.uber.org/goleak"
)

// scenario is one promise of the contract, and the test of it.
type scenario struct {
	name string // a sentence, and the ids of the hard cases that it proves
	test func(t *testing.T, s *Subject)
}

// Run tests every promise of the contract on a subject. Cases run in parallel, each in a database of its own,
// but for those that restart the server or measure memory. Run itself must not run beside other tests: it
// ends with a check that no goroutine is left.
func Run(t *testing.T, s Subject) {
	before := goleak.IgnoreCurrent()
	t.Run("in parallel", func(t *testing.T) {
		for _, group := range [][]scenario{opening, snapshots, lives, transactions, images, resuming, endings, positions} {
			for _, c := range group {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.test(t, &s)
				})
			}
		}
	})
	for _, c := range alone {
		t.Run(c.name, func(t *testing.T) { c.test(t, &s) })
	}
	t.Run("no goroutine is left", func(t *testing.T) {
		options := []goleak.Option{before}
		if s.Goroutines != nil {
			options = append(options, s.Goroutines()...)
		}
		if err := goleak.Find(options...); err != nil {
			t.Error(err)
		}
	})
}
