package testenv

import (
	"testing"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/registryserver"
)

// Registry starts a schema registry for this test alone (4 s), and ends it with the test.
func Registry(t testing.TB) *registryserver.Registry {
	t.Helper()
	Need(t, component.Java(), component.Registry())
	r, err := registryserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the registry's log:\n%s", r.LogTail(logLines))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// SharedRegistry is this process's schema registry. The package's TestMain must call Main.
func SharedRegistry(t testing.TB) *registryserver.Registry {
	t.Helper()
	Need(t, component.Java(), component.Registry())
	return shared(t, "registry", func() (*registryserver.Registry, error) {
		return registryserver.Start(sharedContext)
	})
}

// Gate is an HTTP proxy before a registry's API that can answer in its place; it ends with the test.
func Gate(t testing.TB, address string) *registryserver.Gate {
	t.Helper()
	g, err := registryserver.NewGate(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}
