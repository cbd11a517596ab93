package postgres

import (
	"slices"
	"strings"
	"testing"

	"rdip/internal/fault"
	"rdip/readers"
)

const filtered = "CREATE TABLE orders (id int PRIMARY KEY, region text, amount int); ALTER TABLE orders REPLICA IDENTITY FULL; CREATE TABLE plain (id int PRIMARY KEY, v text); "

func TestSnapshotAndStreamHaveTheRowsOfTheFilterOnly(t *testing.T) { // P59
	for _, major := range []int{15, 18} {
		s := onServer(t, major, filtered+"INSERT INTO orders VALUES (1, 'eu', 5), (2, 'us', 50); INSERT INTO plain VALUES (1, 'x'), (7, 'y')")
		s.cfg.RowFilters = map[string]string{"public.orders": "region = 'eu' -- of ours", "public.plain": "id < 5"}
		r, resume := s.open(t, readers.Stored{})
		c := copied(t, r, 1)
		if got := c.rows["public.orders"]; len(got) != 1 || !strings.Contains(got[0], "eu") || len(c.rows["public.plain"]) != 1 {
			t.Errorf("PostgreSQL %d: the snapshot has %v", major, c.rows)
		}
		s.exec(t, "INSERT INTO orders VALUES (3, 'eu', 6), (4, 'us', 60)")
		s.exec(t, "UPDATE orders SET region = 'us' WHERE id = 3")
		s.exec(t, "UPDATE orders SET region = 'eu' WHERE id = 4")
		got := s.streamed(t, r, resume.From)
		operations := make([]string, len(got))
		for i, line := range got {
			operations[i], _, _ = strings.Cut(line, " ")
		}
		// A row that leaves the filter is deleted, one that enters it is created (pgoutput_row_filter).
		if len(got) != 3 || operations[0] != operations[2] || operations[1] == operations[0] || strings.Contains(strings.Join(got, "\n"), "us") && !strings.Contains(got[1], "3") {
			t.Errorf("PostgreSQL %d: the stream has\n%s", major, strings.Join(got, "\n"))
		}
		stored := readers.Stored{Identity: resume.Identity, Position: resume.From, SnapshotDone: true}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.open(t, stored) // the server's own spelling of the filter is the same filter
	}
}

func TestARowFilterThatCannotBeIsRefusedByName(t *testing.T) { // P59
	for name, c := range map[string]struct {
		major       int
		setup       string
		table, text string
		seen, fix   string
	}{
		"before PostgreSQL 15":                {14, "", "public.orders", "amount > 1", "PostgreSQL 14", "remove row.filter.public.orders"},
		"of a table that is not captured":     {15, "", "public.order", "amount > 1", "no captured table", "name a table"},
		"of a column that is not there":       {15, "", "public.orders", "amont > 1", "amont", "WHERE"},
		"of another type than boolean":        {15, "", "public.orders", "amount", "boolean", "WHERE"},
		"that is two statements":              {15, "", "public.orders", "true); DROP TABLE orders; --", "", "WHERE"},
		"that leaves its brackets":            {15, "", "public.orders", "true) OR (true", "", "WHERE"},
		"with an end that is a comment":       {15, "", "public.orders", "amount > 1) -- ", "", "WHERE"},
		"outside the replica identity":        {15, "", "public.plain", "v = 'x'", "every UPDATE and DELETE", "ALTER TABLE \"public\".\"plain\" REPLICA IDENTITY FULL"},
		"of a type of one's own":              {15, "CREATE TYPE mood AS ENUM ('a', 'b'); ALTER TABLE orders ADD mood mood", "public.orders", "mood = 'a'", "User-defined types are not allowed", "change row.filter.public.orders"},
		"of a function of one's own":          {15, "CREATE FUNCTION own(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'", "public.orders", "public.own(amount)", "User-defined or built-in mutable functions are not allowed", "change row.filter.public.orders"},
		"that depends on the time":            {18, "", "public.orders", "now() > '2020-01-01'", "mutable functions are not allowed", "change row.filter.public.orders"},
		"with a query":                        {15, "", "public.orders", "amount > (SELECT 1)", "Only columns, constants", "change row.filter.public.orders"},
		"that the publication lacks":          {15, "CREATE PUBLICATION p FOR TABLE orders, plain", "public.orders", "amount > 1", "without a filter", `ADD TABLE ONLY "public"."orders" WHERE (amount > 1`},
		"that differs from the publication's": {15, "CREATE PUBLICATION p FOR TABLE orders WHERE (amount > 2), plain", "public.orders", "amount > 1", "(amount > 2)", `WHERE (amount > 1`},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, c.major, filtered+c.setup)
			s.cfg.PublicationName = "p"
			s.cfg.RowFilters = map[string]string{c.table: c.text}
			fs := s.reader(t).Check(t.Context())
			at := slices.IndexFunc(fs, func(f fault.Finding) bool { return f.Where == "row.filter."+c.table })
			if at < 0 || fs[at].Severity != fault.Fatal || !strings.Contains(fs[at].Seen, c.seen) || !strings.Contains(fs[at].Fix, c.fix) {
				t.Fatalf("found %v", fault.Findings(fs))
			}
			s.refuse(t, readers.Stored{}, fault.Preflight, "row.filter."+c.table)
			if got := s.ask(t, "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()) + (SELECT count(*) FROM pg_class WHERE relname = 'orders' AND relnamespace <> 'public'::regnamespace)"); got != "0" {
				t.Error("something was made in spite of it")
			}
			if got := s.ask(t, "SELECT count(*) FROM pg_publication WHERE pubname <> 'p'"); got != "0" {
				t.Error("a publication was made for the check")
			}
			if got := s.ask(t, "SELECT count(*) FROM orders"); got != "0" {
				t.Error("the table is not what it was")
			}
		})
	}
}

// The fix of a filter that differs is what the user has to type.
func TestTheFixOfAFilterThatDiffersMendsIt(t *testing.T) { // P59
	s := onServer(t, 15, filtered+"CREATE PUBLICATION p FOR TABLE orders WHERE (amount > 2), plain")
	s.cfg.PublicationName = "p"
	s.cfg.RowFilters = map[string]string{"public.orders": "amount > 1 AND region IN ('eu', 'us')"}
	for _, f := range s.reader(t).Check(t.Context()) {
		if f.Where == "row.filter.public.orders" {
			s.exec(t, f.Fix)
		}
	}
	s.open(t, readers.Stored{})
}
