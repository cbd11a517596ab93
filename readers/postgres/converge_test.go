package postgres

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/readers"
)

// fold applies rows as the collector and the recorder write them down to a copy of table public.t.
func fold(t *testing.T, state map[string]string, lines []string) {
	t.Helper()
	for _, line := range lines {
		op, row, _ := strings.Cut(line, " ")
		row = strings.TrimPrefix(row, "public.t ")
		if _, after, changed := strings.Cut(row, "after("); changed {
			row = strings.TrimSuffix(after, ")")
		} else {
			row = strings.TrimSuffix(strings.TrimPrefix(row, "key("), ")")
		}
		id, v, _ := strings.Cut(row, ",")
		switch op {
		case "r", "c", "u":
			state[id] = v
		case "d":
			delete(state, id)
		default:
			t.Fatalf("an event of another kind: %s", line)
		}
	}
}

func TestSnapshotAndStreamConvergeWhileOthersWrite(t *testing.T) { // G1, G6, P55
	versions(t, func(t *testing.T, major int) {
		s := onServer(t, major, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 5000) i")
		s.cfg.SnapshotChunkBytes = 128 << 10
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for w := range 3 {
			writers.Go(func() { s.write(t, ctx, w) })
		}
		r, resume := s.open(t, readers.Stored{})
		state := map[string]string{}
		fold(t, state, copied(t, r, 2).rows["public.t"])
		stop()
		writers.Wait()
		fold(t, state, s.streamed(t, r, resume.From))
		if want := s.content(t); !maps.Equal(state, want) {
			t.Errorf("%d rows were captured, the table has %d, and they are not the same", len(state), len(want))
		}
	})
}

// write changes public.t at random until ctx ends, two statements a transaction, some of them rolled back.
func (s *openServer) write(t *testing.T, ctx context.Context, seed int) {
	conn, err := s.server.Connect(context.WithoutCancel(ctx), s.cfg.Database)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	for ctx.Err() == nil {
		end := "COMMIT"
		if random.IntN(5) == 0 {
			end = "ROLLBACK"
		}
		// One key range a writer, so that none waits for another.
		id, other := 3*random.IntN(2000)+seed, 3*random.IntN(2000)+seed
		sql := fmt.Sprintf("BEGIN; INSERT INTO t VALUES (%d, 'v%d') ON CONFLICT (id) DO UPDATE SET v = excluded.v; DELETE FROM t WHERE id = %d; %s", id, random.Int(), other, end)
		if _, err := conn.Exec(context.WithoutCancel(ctx), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Error(err)
			return
		}
	}
}

// content is public.t as it is now.
func (s *openServer) content(t *testing.T) map[string]string {
	t.Helper()
	rows, err := s.sql.Query(t.Context(), "SELECT id::text, v FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	content := map[string]string{}
	for rows.Next() {
		var id, v string
		if err := rows.Scan(&id, &v); err != nil {
			t.Fatal(err)
		}
		if len(v) > 64 {
			v = fmt.Sprintf("%d bytes", len(v)) // as rowText shows it
		}
		content[id] = v
	}
	return content
}
