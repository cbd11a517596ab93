package client

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"
)

// IDs remembers ids over restarts (offsets.Store does), by subject and the SHA-256 of the schema's text. Its methods are
// called from many goroutines. PutSchemaID returns when the id is safe; an error of it stops nothing, since the registry may
// always be asked again, and a disk that is full is told by whoever keeps positions on it (O4). What it holds belongs to one registry;
// a Registrar notices when it came from another.
type IDs interface {
	SchemaID(subject string, fingerprint [sha256.Size]byte) (int32, bool)
	PutSchemaID(subject string, fingerprint [sha256.Size]byte, id int32) error
}

// Registrar gives the ids of schemas, registering what it has never registered. It is safe for
// concurrent use.
type Registrar struct {
	client *Client
	ids    IDs

	asking sync.Mutex // held while the registry is asked whose the kept ids are

	mu      sync.Mutex
	pending map[key]*Pending
	origin  origin
	asked   time.Time     // when that was asked last, without an answer
	own     map[key]int32 // registered by this Registrar
}

// origin is whose the kept ids are. It is found out at the first kept id that is asked for, once a process.
type origin uint8

const (
	originUnknown   origin = iota
	originHere             // this registry has the schema under the kept id
	originElsewhere        // it does not: the ids came from another registry, and are not used
)

// askOrigin bounds that question: a registry that is away is no reason to wait, since the ids are known.
const askOrigin = 5 * time.Second

// askAgain is how long it is not asked again after no answer came: a start with thousands of tables and the
// registry away would wait for each.
const askAgain = 30 * time.Second

type key struct {
	subject     string
	fingerprint [sha256.Size]byte
}

// Pending is a subject that something waits for, because the registry cannot be asked just now.
type Pending struct {
	Subject  string
	Since    time.Time // when it was first asked for
	Attempts int       // that failed
	Err      error     // the last failure
	Next     time.Time // when it is tried again
}

// NewRegistrar puts ids before the client.
func NewRegistrar(c *Client, ids IDs) *Registrar {
	return &Registrar{client: c, ids: ids, pending: map[key]*Pending{}, own: map[key]int32{}}
}

// ID is the id of schema under subject. While the registry is away it waits, for as long as ctx lasts,
// and Pending names the subject; then the error has the context's cause and the registry's last failure
// in its chain. A refusal is returned at once: a permanent *fault.Error, with an *IncompatibleError or
// StatusError as its cause.
func (r *Registrar) ID(ctx context.Context, subject, schema string) (int32, error) {
	k := key{subject, sha256.Sum256([]byte(schema))}
	if id, ok := r.kept(ctx, k, schema); ok {
		return id, nil
	}
	since := time.Now()
	defer r.settled(k)
	var id int32
	err := r.client.retry(ctx, forever, func(err error, wait time.Duration) { r.waiting(k, since, err, wait) }, func() (err error) {
		id, err = r.client.register(ctx, subject, schema)
		return err
	})
	if err != nil {
		return 0, err
	}
	_ = r.ids.PutSchemaID(k.subject, k.fingerprint, id) // where that fails, the next start asks again
	r.mu.Lock()
	r.own[k] = id
	r.mu.Unlock()
	return id, nil
}

// kept is the id that is remembered for k, unless what is remembered came from another registry.
func (r *Registrar) kept(ctx context.Context, k key, schema string) (int32, bool) {
	r.mu.Lock()
	from := r.origin
	id, ok := r.own[k]
	r.mu.Unlock()
	if ok {
		return id, true
	}
	if id, ok = r.ids.SchemaID(k.subject, k.fingerprint); !ok {
		return 0, false
	}
	if from == originUnknown {
		from = r.askOrigin(ctx, id, schema)
	}
	return id, from != originElsewhere
}

// askOrigin asks the registry for one kept id. Without an answer the origin stays unknown. Whoever comes while
// another asks waits for that answer.
func (r *Registrar) askOrigin(ctx context.Context, id int32, schema string) origin {
	r.asking.Lock()
	defer r.asking.Unlock()
	r.mu.Lock()
	from, recently := r.origin, !r.asked.IsZero() && time.Since(r.asked) < askAgain
	r.mu.Unlock()
	if from != originUnknown || recently {
		return from
	}
	ctx, cancel := context.WithTimeout(ctx, askOrigin)
	defer cancel()
	holds, err := r.client.Holds(ctx, id, schema)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.asked = time.Now()
	case holds:
		r.origin = originHere
	default:
		r.origin = originElsewhere
	}
	return r.origin
}

func (r *Registrar) waiting(k key, since time.Time, err error, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pending[k]
	if p == nil {
		p = &Pending{Subject: k.subject, Since: since}
		r.pending[k] = p
	}
	p.Attempts++
	p.Err, p.Next = err, time.Now().Add(wait)
}

func (r *Registrar) settled(k key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pending, k)
}

// Pending are the subjects that are waited for now, by name; none when all is well.
func (r *Registrar) Pending() []Pending {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Pending, 0, len(r.pending))
	for _, p := range r.pending {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Pending) int { return strings.Compare(a.Subject, b.Subject) })
	return list
}
