package postgres

import (
	"slices"
	"testing"

	"rdip/internal/fault"
	"rdip/readers"
)

func TestWhatInspectSaysIsAllThatARoleNeeds(t *testing.T) {
	s := onServer(t, 15, `CREATE SCHEMA "S'1"; CREATE TABLE "S'1".orders (b int, a int, note text, PRIMARY KEY (a, b)); INSERT INTO "S'1".orders VALUES (2, 1, 'x');
		CREATE TABLE log (line text); CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parted DEFAULT; ANALYZE`)
	found, err := Inspect(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Tables) != 3 || found.Role != "postgres" || !found.Super || found.Database != s.cfg.Database {
		t.Fatalf("found %+v", found)
	}
	orders := found.Tables[0]
	if orders.ID() != "S'1.orders" || orders.Rows != 1 || orders.Bytes < 8192 || orders.Columns != 3 || !slices.Equal(orders.Key, []string{"a", "b"}) || orders.Identity != nil {
		t.Errorf("orders: %+v", orders)
	}
	if log := found.Tables[1]; !slices.Equal(log.Identity, []string{`ALTER TABLE "public"."log" REPLICA IDENTITY FULL`}) || log.Key != nil {
		t.Errorf("log: %+v", log)
	}
	if got := s.ask(t, "SELECT count(*) FROM pg_publication"); got != "0" {
		t.Error("something was made")
	}

	user := s.user(t, "REPLICATION")
	for _, step := range found.Setup(user) {
		if step.SQL != "CREATE ROLE "+quoteIdentifier(user)+" LOGIN REPLICATION" {
			s.exec(t, step.SQL)
		}
		if step.Why == "" || step.Restart {
			t.Errorf("step %+v", step)
		}
	}
	s.cfg.User, s.cfg.PublicationMode = user, PublicationDisabled
	if err := fault.Findings(s.reader(t).Check(t.Context())).Err(); err != nil {
		t.Fatal(err)
	}
	r, _ := s.open(t, readers.Stored{})
	if got := copied(t, r, 2).rows["S'1.orders"]; !slices.Equal(got, []string{"r 2,1,x"}) {
		t.Errorf("the snapshot has %q", got)
	}
}

func TestInspectNamesTheSettingsThatNeedARestart(t *testing.T) {
	s := &server{WALLevel: "replica", Slots: 10, MaxSlots: 10, Senders: 3, MaxSenders: 10}
	got := s.settingSteps()
	want := []string{"ALTER SYSTEM SET wal_level = 'logical'", "ALTER SYSTEM SET max_replication_slots = 14"}
	if len(got) != len(want) {
		t.Fatalf("steps %+v", got)
	}
	for i, step := range got {
		if step.SQL != want[i] || !step.Restart {
			t.Errorf("step %+v", step)
		}
	}
}
