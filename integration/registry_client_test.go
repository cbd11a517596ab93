package integration

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/internal/fault"
	"rdip/schema/client"
)

const (
	schemaV1  = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"}]}`
	schemaV2  = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"city","type":"string","default":""}]}`
	schemaBad = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"zip","type":"string"}]}`
)

func registryClient(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URLs: address, MinBackoff: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return c
}

// keptIDs is client.IDs in memory.
type keptIDs struct{ sync.Map }

func (k *keptIDs) SchemaID(subject string, fp [sha256.Size]byte) (int32, bool) {
	id, ok := k.Load(subject + string(fp[:]))
	if !ok {
		return 0, false
	}
	return id.(int32), true
}

func (k *keptIDs) PutSchemaID(subject string, fp [sha256.Size]byte, id int32) error {
	k.Store(subject+string(fp[:]), id)
	return nil
}

// R2, R3, R6
func TestTheClientUnderstandsAForeignRegistrysRefusals(t *testing.T) {
	ctx, address := t.Context(), testenv.SharedRegistry(t).URL()
	c, subject := registryClient(t, address), "shop.public.refusals-value"
	if found := c.Check(ctx); len(found) != 0 {
		t.Fatalf("%v", found)
	}
	first, err := c.Register(ctx, subject, schemaV1)
	if err != nil {
		t.Fatal(err)
	}
	registryCall(t, "PUT", address+"/config/"+subject, map[string]string{"compatibility": "BACKWARD"})

	_, err = c.Register(ctx, subject, schemaBad)
	var e *client.IncompatibleError
	if !errors.As(err, &e) || !fault.IsPermanent(err) {
		t.Fatalf("409: %v", err)
	}
	if e.Proposed != schemaBad || e.Registered != schemaV1 || e.Version != 1 || e.Level != "BACKWARD" || e.Message == "" ||
		!strings.Contains(err.Error(), "zip: added without a default, so earlier records cannot be read") {
		t.Errorf("409: %+v\n%v", e, err)
	}
	var s *client.StatusError
	if _, err = c.Register(ctx, subject, `{"type":"record","name":"1V","fields":[]}`); !errors.As(err, &s) || s.Status != 422 || !fault.IsPermanent(err) {
		t.Errorf("422: %v", err)
	}
	// Apicurio refuses every schema with the exact default "{}", as a jsonb column may have.
	if _, err = c.Register(ctx, subject, `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"j","type":"string","default":"{}"}]}`); !errors.As(err, &s) || s.Status != 422 || !fault.IsPermanent(err) {
		t.Errorf("the default {}: %v", err)
	}

	second, err := c.Register(ctx, subject, schemaV2)
	if err != nil || second == first {
		t.Fatalf("%d after %d: %v", second, first, err)
	}
	if v, err := c.Latest(ctx, subject); err != nil || v.ID != second || v.Version != 2 {
		t.Errorf("latest: %+v %v", v, err)
	}
	if v, err := c.Lookup(ctx, subject, schemaV1); err != nil || v.ID != first {
		t.Errorf("lookup: %+v %v", v, err)
	}
	if ok, err := c.Holds(ctx, first, schemaV1); !ok || err != nil {
		t.Errorf("holds: %v %v", ok, err)
	}
	if _, err := c.Latest(ctx, "none"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a subject that is not there: %v", err)
	}
	if v, err := c.Compatible(ctx, subject, schemaBad); err != nil || v.Compatible {
		t.Errorf("compatible: %+v %v", v, err)
	}
}

// R1: the registry goes away and comes back; who asked meanwhile waits, is seen waiting, and is served.
func TestASchemaIsRegisteredWhenTheRegistryComesBack(t *testing.T) {
	server := testenv.Registry(t)
	r := client.NewRegistrar(registryClient(t, server.URL()), &keptIDs{})
	known, err := r.ID(t.Context(), "known", schemaV1)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if id, err := r.ID(t.Context(), "known", schemaV1); id != known || err != nil {
		t.Errorf("a schema that is known needs no registry: %d %v", id, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		_, err := r.ID(ctx, "waiting", schemaV2)
		served <- err
	}()
	for len(r.Pending()) == 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if p := r.Pending(); len(p) != 1 || p[0].Subject != "waiting" || !strings.Contains(p[0].Err.Error(), "refused") {
		t.Errorf("%+v", p)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if p := r.Pending(); len(p) != 0 {
		t.Errorf("%+v", p)
	}
}
