package shop

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// opened is a shop in a database of its own, on a real server, after some steps.
func opened(t *testing.T, seed uint64, steps int) *pgx.Conn {
	t.Helper()
	pg := testenv.SharedPostgres(t, 18)
	db := testenv.Database(t, pg)
	if err := pg.Exec(t.Context(), db, Tables); err != nil {
		t.Fatal(err)
	}
	conn, err := pg.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	s := New(seed)
	for n := range steps {
		sql := s.Step()
		if err := conn.PgConn().Exec(t.Context(), sql).Close(); err != nil {
			t.Fatalf("seed %d step %d: %v\n%s", seed, n, err, sql)
		}
	}
	return conn
}

// state is everything in the shop, as text.
func state(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var all string
	for _, table := range []string{"customers", "products", "orders", "order_items"} {
		var rows string
		err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT coalesce(string_agg(x::text, E'\\n' ORDER BY x::text), '') FROM %s x", table)).Scan(&rows)
		if err != nil {
			t.Fatal(err)
		}
		all += table + "\n" + rows + "\n"
	}
	return all
}

func TestTheShopStaysOpenForAThousandStepsAndASeedRepeatsThem(t *testing.T) {
	states := make([]string, 3)
	for i, seed := range []uint64{1, 1, 2} {
		states[i] = state(t, opened(t, seed, 1000))
	}
	if states[0] != states[1] {
		t.Error("the same seed led to different shops")
	}
	if states[0] == states[2] {
		t.Error("different seeds led to the same shop")
	}
}

func TestTheTourShowsOneOfEverything(t *testing.T) {
	conn := opened(t, 1, len(tour))
	for what, sql := range map[string]string{
		"a key was changed":      "SELECT count(*) FROM products WHERE sku LIKE '%-101'",
		"a column was added":     "SELECT count(*) FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'tier'",
		"and filled":             "SELECT count(tier) FROM customers",
		"an order was cancelled": "SELECT 3 - count(*) FROM orders",
		"a customer was added":   "SELECT count(*) - 3 FROM customers",
	} {
		var n int
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
}
