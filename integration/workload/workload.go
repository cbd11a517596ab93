// Package workload writes random transactions from a seed into the tables of its Schema, which keep a history of what
// was committed.
package workload

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
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

const workloadWriters = 2

// Seeded is the seed of a test: RDIP_SEED, else a new one. It is printed.
func Seeded(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
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
	pause                  time.Duration // between transactions of one writer
	connect                func(context.Context) (*pgx.Conn, error)
	Survives               atomic.Bool // the writers outlive the server: they connect again
	mu                     sync.Mutex
	err                    error
	schemaChanges, refused atomic.Int64
}

// Start begins. The same seed makes each writer do the same, though not at the same moments.
func Start(t *testing.T, pg *pgserver.Server, database string, seed uint64, pause time.Duration) *Workload {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	w := &Workload{stop: stop, pause: pause, connect: func(ctx context.Context) (*pgx.Conn, error) { return pg.Connect(ctx, database) }}
	for i := range workloadWriters {
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
	t.Logf("workload: %d transactions committed, %d rolled back, %d schema changes, %d refused by a lock or another writer",
		w.committed.Load(), w.takenBack.Load(), w.schemaChanges.Load(), w.refused.Load())
}

// writer is one session.
type writer struct {
	*Workload
	conn   *pgx.Conn
	random *rand.Rand
	number int
	done   int // transactions
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
	_, err = w.conn.Exec(work, "SET deadlock_timeout = '20ms'; SET lock_timeout = '1s'")
	for err == nil && ctx.Err() == nil {
		err = w.transaction(work)
		w.done++
		time.Sleep(w.pause/2 + time.Duration(w.random.Int64N(int64(w.pause)+1)))
	}
	return err
}

// transaction runs one, and gives an error only where the server does not do as a server does.
func (w *writer) transaction(ctx context.Context) error {
	whole := w.random.IntN(10) > 0
	note := "committed"
	if !whole {
		note = judge.RolledBack
	}
	statements := []string{"BEGIN"}
	altered := w.number == 0 && w.done%150 == 149
	for range 1 + w.random.IntN(6) {
		if w.random.IntN(5) == 0 {
			statements = append(statements, w.savepoint(note)...)
			continue
		}
		statements = append(statements, w.statement(note))
	}
	if altered {
		statements = append(statements, fmt.Sprintf("ALTER TABLE single ADD COLUMN extra_%d text", w.done), w.statement(note),
			fmt.Sprintf("UPDATE single SET version = nextval('versions'), note = '%s', extra_%d = 'x' WHERE id = %d", note, w.done, w.id()))
	}
	statements = append(statements, map[bool]string{true: "COMMIT", false: "ROLLBACK"}[whole])
	lingers := w.random.IntN(len(statements) * 5) // now and then, between two statements, so that transactions overlap
	for i, sql := range statements {
		if _, err := w.conn.Exec(ctx, sql); err != nil {
			return w.failed(ctx, sql, err)
		}
		if i == lingers {
			time.Sleep(2 * w.pause)
		}
	}
	if !whole {
		w.takenBack.Add(1)
		return nil
	}
	w.committed.Add(1)
	if altered {
		w.schemaChanges.Add(1)
	}
	return nil
}

// failed rolls a transaction back that lost against another one.
func (w *writer) failed(ctx context.Context, sql string, err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || !strings.Contains("40P01 23505 55P03", refused.Code) {
		return fmt.Errorf("%s: %w", sql, err)
	}
	w.refused.Add(1)
	_, err = w.conn.Exec(ctx, "ROLLBACK")
	return err
}

// savepoint is some statements below a savepoint, which is then released or taken back.
func (w *writer) savepoint(note string) []string {
	end := "RELEASE s"
	if w.random.IntN(2) == 0 {
		note, end = judge.RolledBack, "ROLLBACK TO s"
	}
	statements := []string{"SAVEPOINT s"}
	for range 1 + w.random.IntN(3) {
		statements = append(statements, w.statement(note))
	}
	return append(statements, end)
}

func (w *writer) id() int { return 1 + w.random.IntN(120) }

// body is a value that is stored out of line.
func (w *writer) body() string {
	return strings.Repeat(fmt.Sprintf("%016x", w.random.Uint64()), 180)
}

// statement is one change of a row or a few, in one of the tables.
func (w *writer) statement(note string) string {
	id, other := w.id(), w.id()
	region := fmt.Sprintf("r%d", w.random.IntN(3))
	const version = "nextval('versions')"
	oneKeyless := fmt.Sprintf("(SELECT id FROM keyless ORDER BY id OFFSET %d LIMIT 1)", w.random.IntN(100))
	switch w.random.IntN(17) {
	case 0:
		return fmt.Sprintf("INSERT INTO single(id, version, note, amount) VALUES (%d, %s, '%s', %d) ON CONFLICT DO NOTHING", id, version, note, other)
	case 1, 2:
		return fmt.Sprintf("UPDATE single SET version = %s, note = '%s', amount = %d WHERE id = %d", version, note, other, id)
	case 3:
		return fmt.Sprintf("DELETE FROM single WHERE id = %d", id)
	case 4:
		return fmt.Sprintf("UPDATE single SET id = %d, version = %s, note = '%s' WHERE id = %d AND NOT EXISTS (SELECT FROM single WHERE id = %d)", 2000+other, version, note, id, 2000+other)
	case 5:
		return fmt.Sprintf("INSERT INTO composite VALUES ('%s', %d, %s, NULL) ON CONFLICT (region, id) DO UPDATE SET version = excluded.version, note = '%s'", region, id, version, note)
	case 6:
		return fmt.Sprintf("DELETE FROM composite WHERE id BETWEEN %d AND %d", id, id+2)
	case 7:
		return fmt.Sprintf("UPDATE composite SET region = 'x', version = %s, note = '%s' WHERE region = '%s' AND id = %d AND NOT EXISTS (SELECT FROM composite WHERE region = 'x' AND id = %d)", version, note, region, id, id)
	case 8:
		return fmt.Sprintf("INSERT INTO keyless SELECT nextval('keyless_ids'), %s, '%s' FROM generate_series(1, 2)", version, note)
	case 9:
		return fmt.Sprintf("UPDATE keyless SET version = %s, note = '%s' WHERE id = %s", version, note, oneKeyless)
	case 10:
		return "DELETE FROM keyless WHERE id = " + oneKeyless
	case 11:
		return fmt.Sprintf("INSERT INTO audited VALUES (%d, %s, '%s', '%s') ON CONFLICT (id) DO UPDATE SET version = excluded.version, note = excluded.note", id, version, note, w.body())
	case 12:
		return fmt.Sprintf("UPDATE audited SET id = %d, version = %s, note = '%s' WHERE id = %d AND NOT EXISTS (SELECT FROM audited WHERE id = %d)", other, version, note, id, other)
	case 13:
		return fmt.Sprintf("DELETE FROM audited WHERE id = %d", id)
	case 14:
		return fmt.Sprintf("INSERT INTO wide VALUES (%d, %s, '%s', '%s') ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body", id, version, note, w.body())
	case 15:
		return fmt.Sprintf("UPDATE wide SET version = %s, note = '%s' WHERE id BETWEEN %d AND %d", version, note, id, id+3)
	default:
		return fmt.Sprintf("DELETE FROM wide WHERE id = %d", id)
	}
}
