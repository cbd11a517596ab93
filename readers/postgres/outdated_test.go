package postgres

import (
	"context"
	"slices"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/internal/fault"
)

// G9, P15
func TestARowBehindAChangeThatItsDefinitionLacksIsRefused(t *testing.T) {
	h := &recorder{}
	d := plainDecoder(h)
	lacks := true
	d.layout = func(ctx context.Context, r *relation) (*envelope.Layout, error) {
		if lacks {
			r.behind = behind{place: 60, columns: []string{"note"}}
		}
		return plainLayout(ctx, r)
	}
	row := func(place uint64) error {
		t.Helper()
		for _, m := range [][]byte{begin(place + 5), insertT, commit(place+5, place+10)} {
			if err := d.change(place, m); err != nil {
				return err
			}
		}
		return nil
	}
	if err := d.change(10, relationT); err != nil {
		t.Fatal(err)
	}
	for _, place := range []uint64{20, 40} { // older than what the catalog was asked
		if err := row(place); err != nil {
			t.Fatal(err)
		}
	}
	err := row(60)
	if !fault.IsPermanent(err) || fault.KindOf(err) != fault.PositionLost {
		t.Fatalf("the row is taken, without the column: %v", err)
	}
	for _, part := range []string{"s.t at 0/3C", "column note", `slot "s"`, "rdip offsets reset", "--drop-slot"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	lacks, d = false, plainDecoder(h)
	d.layout = plainLayout
	if err := d.change(50, relationT); err != nil {
		t.Fatal(err)
	}
	if err := row(60); err != nil {
		t.Errorf("the definition is the table's: %v", err)
	}
}

func TestARelationIsBehindTheCatalogOnlyInWhatTheLogShouldCarry(t *testing.T) {
	c, conn := open(t, 18, &Config{PublicationName: "p"}, `
		CREATE TABLE plain (id int PRIMARY KEY, note text, twice int GENERATED ALWAYS AS (id * 2) STORED);
		CREATE TABLE listed (id int PRIMARY KEY, note text);
		CREATE PUBLICATION p FOR TABLE plain, listed (id)`)
	for _, tc := range []struct {
		name, table string
		has         []string
		want        string
	}{
		{"it has all that the log carries", "public.plain", []string{"id", "note"}, ""},
		{"a column is lacking", "public.plain", []string{"id"}, "note"},
		{"the publication leaves the column out", "public.listed", []string{"id"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rel := tablesByID(t, c)[tc.table].relation()
			rel.Columns = slices.DeleteFunc(rel.Columns, func(rc relationColumn) bool { return !slices.Contains(tc.has, rc.Name) })
			var end uint64
			if err := conn.QueryRow(t.Context(), "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").Scan(&end); err != nil {
				t.Fatal(err)
			}
			layoutOf(t, c, rel)
			if got := strings.Join(rel.behind.columns, ","); rel.behind.place == 0 && tc.want != "" || rel.behind.place != 0 && got != tc.want {
				t.Errorf("behind %+v", rel.behind)
			}
			if rel.behind.place != 0 && rel.behind.place < end {
				t.Errorf("the log ended at %d, and it is behind from %d on", end, rel.behind.place)
			}
		})
	}
}

// A column that is added while the stream lags is no such case: its definition comes before the rows that have it.
func TestAColumnThatIsAddedWhileTheStreamLagsStopsNothing(t *testing.T) { // P15
	s := newLogServer(t, testenv.SharedPostgres(t, 18), "CREATE TABLE t(id int PRIMARY KEY)")
	s.exec(t, "INSERT INTO t VALUES (1)")
	s.exec(t, "ALTER TABLE t ADD COLUMN a text")
	s.exec(t, "INSERT INTO t VALUES (2, 'a')")
	s.exec(t, "ALTER TABLE t RENAME COLUMN a TO b")
	s.exec(t, "INSERT INTO t VALUES (3, 'b')")
	h := &recorder{}
	r := s.run(t, 0, h)
	r.until(t, "all rows arrive", func() bool { return h.count() == 3 })
	s.exec(t, "ALTER TABLE t ADD COLUMN c text")
	s.exec(t, "INSERT INTO t VALUES (4, 'b', 'c')")
	r.until(t, "the next one arrives", func() bool { return h.count() == 4 })
	if !slices.Contains(h.all(), "c public.t after(4,b,c)") {
		t.Errorf("got %q", h.all())
	}
}
