package client_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/schema/client"
)

// notebook is client.IDs in memory.
type notebook struct {
	mu   sync.Mutex
	ids  map[string]int32
	full error
}

func (n *notebook) key(subject string, fp [sha256.Size]byte) string { return subject + string(fp[:]) }

func (n *notebook) SchemaID(subject string, fp [sha256.Size]byte) (int32, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok := n.ids[n.key(subject, fp)]
	return id, ok
}

func (n *notebook) PutSchemaID(subject string, fp [sha256.Size]byte, id int32) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full != nil {
		return n.full
	}
	n.ids[n.key(subject, fp)] = id
	return nil
}

// R1: "never again after a restart"
func TestWhatWasRegisteredOnceIsNeverAskedForAgain(t *testing.T) {
	ctx, f, ids := t.Context(), newFront(t), &notebook{ids: map[string]int32{}}
	id, err := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL}), ids).ID(ctx, subject, v1)
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // the registry is away
	after := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL, Attempts: 1}), ids)
	if again, err := after.ID(ctx, subject, v1); again != id || err != nil {
		t.Errorf("after a restart: %d %v", again, err)
	}
	if got := f.requests.Load(); got != 1 {
		t.Errorf("%d requests", got)
	}
}

// R1: a registry that is away holds nobody up: it is asked whose the kept ids are once, and not for each of
// thousands of tables.
func TestARegistryThatIsAwayIsNotAskedForEveryKeptID(t *testing.T) {
	ctx, f, ids := t.Context(), newFront(t), &notebook{ids: map[string]int32{}}
	before := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL}), ids)
	subjects := []string{"a-value", "b-value", "c-value", "d-value"}
	for _, s := range subjects {
		if _, err := before.ID(ctx, s, v1); err != nil {
			t.Fatal(err)
		}
	}
	f.status(503)
	asked := f.requests.Load()
	after := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL, Attempts: 1}), ids)
	var lanes sync.WaitGroup
	for _, s := range subjects {
		lanes.Go(func() {
			if _, err := after.ID(ctx, s, v1); err != nil {
				t.Error(err)
			}
		})
	}
	lanes.Wait()
	if n := f.requests.Load() - asked; n != 1 {
		t.Errorf("%d questions", n)
	}
}

// R6: ids that were kept from another registry are never written into records.
func TestIDsOfAnotherRegistryAreNotUsed(t *testing.T) {
	ctx, first, second, ids := t.Context(), newFront(t), newFront(t), &notebook{ids: map[string]int32{}}
	if _, err := client.NewRegistrar(newClient(t, client.Config{URLs: second.URL}), &notebook{ids: map[string]int32{}}).ID(ctx, "other-value", `"string"`); err != nil {
		t.Fatal(err) // the second registry's first id is another schema's
	}
	id, err := client.NewRegistrar(newClient(t, client.Config{URLs: first.URL}), ids).ID(ctx, subject, v1)
	if err != nil {
		t.Fatal(err)
	}
	moved := client.NewRegistrar(newClient(t, client.Config{URLs: second.URL}), ids)
	for range 2 {
		if now, err := moved.ID(ctx, subject, v1); now == id || err != nil {
			t.Errorf("the second registry's id is %d, the first's was %d: %v", now, id, err)
		}
	}
}

// R1
func TestWhileTheRegistryIsAwayTheSubjectIsPendingAndThenServed(t *testing.T) {
	f := newFront(t)
	f.status(503)
	r := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL}), &notebook{ids: map[string]int32{}})
	result := make(chan error, 1)
	go func() {
		_, err := r.ID(t.Context(), subject, v1)
		result <- err
	}()
	var p client.Pending
	for p.Attempts < 3 {
		if list := r.Pending(); len(list) == 1 {
			p = list[0]
		}
		time.Sleep(time.Millisecond)
	}
	var s *client.StatusError
	if p.Subject != subject || !errors.As(p.Err, &s) || s.Status != 503 || p.Since.IsZero() || p.Next.Before(p.Since) {
		t.Errorf("%+v", p)
	}
	f.answer(nil)
	if err := <-result; err != nil {
		t.Error(err)
	}
	if list := r.Pending(); len(list) != 0 {
		t.Errorf("still pending: %+v", list)
	}
}

// R1
func TestTheWaitEndsWithTheContextAndSaysForWhat(t *testing.T) {
	f := newFront(t)
	f.status(500)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL}), &notebook{ids: map[string]int32{}})
	_, err := r.ID(ctx, subject, v1)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), subject) || fault.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	if list := r.Pending(); len(list) != 0 {
		t.Errorf("still pending: %+v", list)
	}
}

// R2, R4
func TestARefusalForGoodIsNotWaitedFor(t *testing.T) {
	f := newFront(t)
	r := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL}), &notebook{ids: map[string]int32{}})
	if _, err := r.ID(t.Context(), subject, v1); err != nil {
		t.Fatal(err)
	}
	_, err := r.ID(t.Context(), subject, bad)
	var e *client.IncompatibleError
	if !errors.As(err, &e) || e.Registered != v1 {
		t.Errorf("409: %v", err)
	}
	f.status(403)
	if _, err := r.ID(t.Context(), subject, v2); !fault.IsPermanent(err) {
		t.Errorf("403: %v", err)
	}
}

// O4: a disk that is full stops no stream: the process knows the id, and the next one asks for it again.
func TestAnIDThatCannotBeKeptIsUsedAndTheNextProcessAsksAgain(t *testing.T) {
	f, kept := newFront(t), &notebook{full: errors.New("no space left on device")}
	first := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL}), kept)
	next := client.NewRegistrar(newClient(t, client.Config{URLs: f.URL}), kept)
	var ids []int32
	for _, r := range []*client.Registrar{first, first, next} {
		id, err := r.ID(t.Context(), subject, v1)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if asked := f.requests.Load(); ids[0] == 0 || ids[1] != ids[0] || ids[2] != ids[0] || asked != 2 {
		t.Errorf("ids %d, and the registry was asked %d times", ids, asked)
	}
}
