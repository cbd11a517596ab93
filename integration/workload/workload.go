// Package workload writes random transactions from a seed into the tables of its Schema, which keep a history of what
// was committed.
package workload

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/integration/judge"
	"rdip/integration/testenv/pgserver"
)

// Schema is the SQL that makes the tables, with triggers that keep a history of what was committed.
//
//go:embed schema.sql
var Schema string

// Tables are the captured tables of Schema.
var Tables = []judge.Table{
	{Name: "single", Keys: []string{"id"}},
	{Name: "composite", Keys: []string{"region", "id"}},
	{Name: "keyless", Keys: []string{"id"}, Full: true},
	{Name: "audited", Keys: []string{"id"}, Full: true},
	{Name: "wide", Keys: []string{"id"}},
}

// Options say what a workload is made of. A count of transactions is one writer's.
type Options struct {
	Writers      int
	Pause        time.Duration // between transactions of one writer, on average
	Rows         int           // of a large transaction
	LargeEvery   int           // transactions from one large one to the next; 0 for none
	ChangeEvery  int           // transactions from one schema change to the next; 0 for none
	RewriteEvery int           // transactions from one VACUUM FULL or CLUSTER to the next; 0 for none
	EmptyEvery   int           // transactions from one TRUNCATE to the next; 0 for none
}

// Standard is the workload of a short run: two writers, and a thousand rows in the larger transactions.
func Standard(pause time.Duration) Options {
	return Options{Writers: 2, Pause: pause, Rows: 1000, LargeEvery: 120, ChangeEvery: 30, RewriteEvery: 70, EmptyEvery: 25}
}

// Seeded is the seed of a test: RDIP_SEED; else, where the whole of a suite runs (RDIP_LONG=1), a new one; else the one
// that belongs to the test's name, so that make test does the same each time. It is printed.
func Seeded(t *testing.T) uint64 {
	t.Helper()
	named := fnv.New64a()
	_, _ = named.Write([]byte(t.Name()))
	seed := named.Sum64()
	if os.Getenv("RDIP_LONG") == "1" {
		seed = rand.Uint64()
	}
	if text := os.Getenv("RDIP_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("to run this again: RDIP_SEED=%d go test -run '^%s$' ./integration/...", seed, t.Name())
	return seed
}

// Workload is a number of writers that run random transactions until it is stopped.
type Workload struct {
	stop                   context.CancelFunc
	writers                sync.WaitGroup
	committed, takenBack   atomic.Int64
	options                Options
	connect                func(context.Context) (*pgx.Conn, error)
	Survives               atomic.Bool // the writers outlive the server: they connect again
	mu                     sync.Mutex
	err                    error
	schemaChanges, refused atomic.Int64
	rewrites, large        atomic.Int64
	truncates              atomic.Int64
	generation             int64 // of the workloads of this process: no two of them name columns alike
}

// generations is how many workloads were started.
var generations atomic.Int64

// Start is StartWith the standard options.
func Start(t *testing.T, pg *pgserver.Server, database string, seed uint64, pause time.Duration) *Workload {
	t.Helper()
	return StartWith(t, pg, database, seed, Standard(pause))
}

// StartWith begins. The same seed makes each writer do the same, though not at the same moments: what a lock or
// another writer refuses differs.
func StartWith(t *testing.T, pg *pgserver.Server, database string, seed uint64, o Options) *Workload {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	w := &Workload{stop: stop, options: o, generation: generations.Add(1), connect: func(ctx context.Context) (*pgx.Conn, error) { return pg.Connect(ctx, database) }}
	for i := range o.Writers {
		wr := &writer{Workload: w, random: rand.New(rand.NewPCG(seed, uint64(i))), number: i}
		w.writers.Go(func() { wr.run(ctx) })
	}
	t.Cleanup(func() {
		stop()
		w.writers.Wait()
	})
	return w
}

// Finish lets the transactions under way end.
func (w *Workload) Finish(t *testing.T) {
	t.Helper()
	w.stop()
	w.writers.Wait()
	if w.err != nil {
		t.Fatalf("the workload: %v", w.err)
	}
	t.Logf("workload: %d transactions committed (%d of %d rows), %d rolled back, %d schema changes, %d rewrites, %d times TRUNCATE, %d refused by a lock or another writer",
		w.committed.Load(), w.large.Load(), w.options.Rows, w.takenBack.Load(), w.schemaChanges.Load(), w.rewrites.Load(), w.truncates.Load(), w.refused.Load())
}

// Abandon ends the writers whatever becomes of their transactions under way: their server is gone for good.
func (w *Workload) Abandon() {
	w.Survives.Store(false)
	w.stop()
	w.writers.Wait()
}

// writer is one session.
type writer struct {
	*Workload
	conn   *pgx.Conn
	random *rand.Rand
	number int
	done   int // transactions
	column column
	kept   int // the first key of the rows that the last large transaction left; 0 for none
}

func (w *writer) run(ctx context.Context) {
	err := w.session(ctx)
	for ; err != nil && w.Survives.Load() && ctx.Err() == nil; err = w.session(ctx) {
		time.Sleep(100 * time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = errors.Join(w.err, err)
}

// session runs transactions until the workload is stopped, or the connection is lost.
func (w *writer) session(ctx context.Context) error {
	work := context.WithoutCancel(ctx)
	var err error
	if w.conn, err = w.connect(work); err != nil {
		return err
	}
	defer w.conn.Close(work)
	w.column = column{} // nobody knows whether its last change was committed; the next column has another name
	_, err = w.conn.Exec(work, "SET deadlock_timeout = '20ms'; SET lock_timeout = '1s'")
	for err == nil && ctx.Err() == nil {
		err = w.transaction(work)
		w.done++
		time.Sleep(w.options.Pause/2 + time.Duration(w.random.Int64N(int64(w.options.Pause)+1)))
	}
	return err
}

// due says whether the transaction that comes is the last of n.
func (w *writer) due(n int) bool { return n > 0 && w.done%n == n-1 }

// transaction runs one, and gives an error only where the server does not do as a server does.
func (w *writer) transaction(ctx context.Context) error {
	switch {
	case w.due(w.options.RewriteEvery):
		return w.rewrite(ctx)
	case w.due(w.options.LargeEvery):
		return w.largeTransaction(ctx)
	case w.due(w.options.EmptyEvery):
		return w.truncate(ctx)
	}
	whole := w.random.IntN(10) > 0
	note := "committed"
	if !whole {
		note = judge.RolledBack
	}
	statements := []string{"BEGIN"}
	rows := 1 // statements; every third transaction has one
	if w.random.IntN(3) > 0 {
		rows += w.random.IntN(6)
	}
	for range rows {
		if w.random.IntN(5) == 0 {
			statements = append(statements, w.savepoint(note)...)
			continue
		}
		statements = append(statements, w.statement(note))
	}
	next := w.column
	if w.number == 0 && w.due(w.options.ChangeEvery) {
		var change []string
		change, next = w.column.change(w.random, fmt.Sprintf("x%d_%d", w.generation, w.done))
		statements = append(statements, change...)
		statements = append(statements, w.statement(note))
	}
	if next.name != "" {
		statements = append(statements, next.update(note, w.id()))
	}
	committed, err := w.execute(ctx, statements, whole)
	if committed && next != w.column {
		w.column = next
		w.schemaChanges.Add(1)
	}
	return err
}

// execute runs the statements of a transaction, and ends it.
func (w *writer) execute(ctx context.Context, statements []string, whole bool) (committed bool, err error) {
	statements = append(statements, map[bool]string{true: "COMMIT", false: "ROLLBACK"}[whole])
	lingers := w.random.IntN(len(statements) * 5) // now and then, between two statements, so that transactions overlap
	for i, sql := range statements {
		if _, err := w.conn.Exec(ctx, sql); err != nil {
			return false, w.failed(ctx, sql, err)
		}
		if i == lingers {
			time.Sleep(2 * w.options.Pause)
		}
	}
	if !whole {
		w.takenBack.Add(1)
		return false, nil
	}
	w.committed.Add(1)
	return true, nil
}

// isToastGone: CLUSTER copies dead rows that somebody may still see, and fails where a vacuum has taken their large values.
func isToastGone(sql string, err *pgconn.PgError) bool {
	return err.Code == "XX001" && strings.HasPrefix(sql, "CLUSTER")
}

// failed rolls a transaction back that lost against another one.
func (w *writer) failed(ctx context.Context, sql string, err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || !strings.Contains("40P01 23505 55P03", refused.Code) && !isToastGone(sql, refused) {
		return fmt.Errorf("%s: %w", sql, err)
	}
	w.refused.Add(1)
	_, err = w.conn.Exec(ctx, "ROLLBACK") // a warning where none is open
	return err
}
