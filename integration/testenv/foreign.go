package testenv

import (
	"context"
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
