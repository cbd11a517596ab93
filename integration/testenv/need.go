package testenv

import (
	"os"
	"testing"

	"rdip/integration/testenv/component"
)

// Need skips the test when a component is not installed, naming the command that installs it. With
// CI=true the test fails instead: there, nothing may go untested unnoticed. What only root can install skips the
// tests of everybody else.
func Need(t testing.TB, components ...component.Component) {
	t.Helper()
	for _, c := range components {
		_, err := c.Path()
		switch {
		case err == nil:
		case os.Getenv("CI") == "true" && (os.Geteuid() == 0 || !c.Root):
			t.Fatal(err)
		default:
			t.Skip(err)
		}
	}
}
