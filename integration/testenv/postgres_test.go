package testenv

import (
	"testing"

	"rdip/integration/testenv/pgserver"
)

func TestMain(m *testing.M) { Main(m) }

func TestASharedServerIsStartedOnceAndDatabasesAreDropped(t *testing.T) {
	first, second := SharedPostgres(t, 18), SharedPostgres(t, 18)
	if first != second {
		t.Fatal("two calls started two servers")
	}
	var name string
	t.Run("a test uses a database with a slot in it", func(t *testing.T) {
		name = Database(t, first)
		if err := first.Exec(t.Context(), name, "SELECT pg_create_logical_replication_slot($1,'pgoutput')", name); err != nil {
			t.Fatal(err)
		}
	})
	conn, err := first.Connect(t.Context(), pgserver.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var left int
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_database WHERE datname = $1)
		+ (SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1)`, name).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d of the test's database and slot are left (%v)", left, err)
	}
}
