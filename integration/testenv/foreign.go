package testenv

import (
	"context"
	"os"
	"testing"
	"time"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/foreign"
	"rdip/integration/testenv/proxy"
)

// foreignWithin bounds one call of a foreign client, its start included.
const foreignWithin = 2 * time.Minute

// Consume reads whole topics of a cluster with Confluent's Python client.
func Consume(t testing.TB, r foreign.Request) []foreign.Record {
	t.Helper()
	Need(t, component.Python())
	ctx, cancel := context.WithTimeout(t.Context(), foreignWithin)
	defer cancel()
	records, err := foreign.Consume(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// KcatSizes lists a topic's records with kcat.
func KcatSizes(t testing.TB, bootstrap, topic string) []foreign.Sizes {
	t.Helper()
	Need(t, component.Kcat())
	ctx, cancel := context.WithTimeout(t.Context(), foreignWithin)
	defer cancel()
	sizes, err := foreign.KcatSizes(ctx, bootstrap, topic)
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

// Proxy stands before target (host:port) until the test ends.
func Proxy(t testing.TB, target string) *proxy.Proxy {
	t.Helper()
	p, err := proxy.New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Cable is a network whose packets can be made to vanish, until the test ends. Where it cannot be made, by others than
// root, the test is skipped, and fails with CI=true.
func Cable(t testing.TB) *proxy.Cable {
	t.Helper()
	c, err := proxy.NewCable()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ProxyBehind stands at the far end of a cable before target (host:port) until the test ends.
func ProxyBehind(t testing.TB, c *proxy.Cable, target string) *proxy.Proxy {
	t.Helper()
	p, err := c.New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}
