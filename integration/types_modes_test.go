package integration

import (
	"slices"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
)

// P4: what stands for an unchanged TOASTed value is the configured text, in the form of each column's mode, and never
// null.
func TestThePlaceholderOfAnAbsentValueIsTheConfiguredOne(t *testing.T) {
	pg, kafka, registry := testenv.SharedPostgres(t, 18), testenv.SharedKafka(t), testenv.SharedRegistry(t)
	database := testenv.Database(t, pg)
	execute(t, pg, database, `CREATE EXTENSION hstore;
		CREATE TABLE far (id int PRIMARY KEY, v int, t text, b bytea, h hstore, a text[][]);
		ALTER TABLE far ALTER t SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL, ALTER h SET STORAGE EXTERNAL, ALTER a SET STORAGE EXTERNAL;
		INSERT INTO far VALUES (1, 1, repeat('t', 5000), decode(repeat('5c', 5000), 'hex'), hstore('k', repeat('h', 5000)), ARRAY[ARRAY[repeat('a', 5000)]])`)
	s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), "absent").With(
		"connectors.shop.unavailable.value.placeholder", "hex:676f6e65", "connectors.shop.binary.handling.mode", "base64", "connectors.shop.hstore.handling.mode", "map")
	run := s.Start(t)
	run.WaitFor(t, "state=streaming")
	execute(t, pg, database, "UPDATE far SET v = 2")
	got := await(t, kafka, &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}, "absent.public.far", 2)
	want := `u key{id=1} after{id=1 v=2 t=gone b=gone h={gone=gone} a=[[gone]]} headers{__rdip.unavailable=["t","b","h","a"]}`
	if have := line(t, got[1]); have != want {
		t.Errorf("record %s, want %s", have, want)
	}
	if code := run.Stop(t); code != 0 {
		t.Errorf("rdip ended with exit code %d", code)
	}
}

// P25, D8: a table that a mode stopped is captured again, from where it stopped, under a mode that holds its values, where
// the registry lets the new schema in (this one does).
func TestATableThatNaNStoppedGoesOnUnderAModeThatHoldsIt(t *testing.T) {
	pg, kafka, registry := testenv.SharedPostgres(t, 18), testenv.SharedKafka(t), testenv.SharedRegistry(t)
	database := testenv.Database(t, pg)
	execute(t, pg, database, "CREATE TABLE odd (id int PRIMARY KEY, n numeric(6,2)); INSERT INTO odd VALUES (1, 1.5)")
	s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), "odd")
	run := s.Start(t)
	run.WaitFor(t, "state=streaming")
	execute(t, pg, database, "INSERT INTO odd VALUES (2, 'NaN'), (3, 2.25)")
	run.WaitFor(t, "decimal.handling.mode: string")
	if code := run.Stop(t); code != 0 {
		t.Fatalf("rdip ended with exit code %d", code)
	}
	run = s.With("connectors.shop.decimal.handling.mode", "string").Start(t)
	got := lines(t, await(t, kafka, &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}, "odd.public.odd", 3))
	want := []string{"r key{id=1} after{id=1 n=1.50}", "c key{id=2} after{id=2 n=NaN}", "c key{id=3} after{id=3 n=2.25}"}
	if !slices.Equal(got, want) {
		t.Errorf("records\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if code := run.Stop(t); code != 0 {
		t.Errorf("rdip ended with exit code %d", code)
	}
}
