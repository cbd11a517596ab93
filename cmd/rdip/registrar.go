package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rdip/schema/client"
)

// registrar is one connector's way to the process's registry client. It knows what the connector waits for, whatever
// its topics are called.
type registrar struct {
	client *client.Registrar // nil without a registry

	mu     sync.Mutex
	asking map[string]int // subjects that are being asked for, and by how many
}

// ID is the client's.
func (r *registrar) ID(ctx context.Context, subject, schemaJSON string) (int32, error) {
	r.ask(subject, 1)
	defer r.ask(subject, -1)
	return r.client.ID(ctx, subject, schemaJSON)
}

func (r *registrar) ask(subject string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asking == nil {
		r.asking = map[string]int{}
	}
	if r.asking[subject] += n; r.asking[subject] == 0 {
		delete(r.asking, subject)
	}
}

// waiting names the subject that the connector waits for at the registry; "" where it waits for none.
func (r *registrar) waiting() string {
	if r.client == nil {
		return ""
	}
	for _, p := range r.client.Pending() {
		r.mu.Lock()
		mine := r.asking[p.Subject] > 0
		r.mu.Unlock()
		if mine {
			return fmt.Sprintf("the schema registry, for subject %s, since %s: %v", p.Subject, p.Since.Format(time.RFC3339), p.Err)
		}
	}
	return ""
}
