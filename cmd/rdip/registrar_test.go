package main

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rdip/schema/client"
)

// forgetful keeps no ids.
type forgetful struct{}

func (forgetful) SchemaID(string, [sha256.Size]byte) (int32, bool)   { return 0, false }
func (forgetful) PutSchemaID(string, [sha256.Size]byte, int32) error { return nil }

// R1: whatever a connector's topics are called, what it waits for is its own.
func TestAConnectorIsSaidToWaitForItsOwnSubjectAlone(t *testing.T) {
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer away.Close()
	c, err := client.New(client.Config{URLs: away.URL})
	if err != nil {
		t.Fatal(err)
	}
	shared := client.NewRegistrar(c, forgetful{})
	shop, other := &registrar{client: shared}, &registrar{client: shared}
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := shop.ID(ctx, "all.customers-value", `"string"`)
		asked <- err
	}()
	for deadline := time.Now().Add(20 * time.Second); shop.waiting() == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is said to be waited for")
		}
	}
	if said := shop.waiting(); !strings.Contains(said, "all.customers-value") {
		t.Errorf("it waits for %s", said)
	}
	if said := other.waiting(); said != "" {
		t.Errorf("the other connector waits for %s", said)
	}
	cancel()
	if err := <-asked; err == nil {
		t.Error("an id was given")
	}
	if said := shop.waiting(); said != "" {
		t.Errorf("it still waits for %s", said)
	}
	if said := (&registrar{}).waiting(); said != "" {
		t.Errorf("without a registry it waits for %s", said)
	}
}
