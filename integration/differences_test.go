package integration

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// What rdip does differently from Debezium on purpose (docs/TYPES.md lists it), and that compatibility:
// debezium gives Debezium's way where the table below says so. The bytes that both write alike are the golden
// test's.

// difference is a table of its own: rows that are there before the start, changes while rdip runs, and the
// records that come of both.
type difference struct {
	name           string
	since          int    // oldest PostgreSQL that has it
	topic          string // behind the prefix
	setup, changes string
	rdip, debezium outcome
	same           bool     // compatibility changes nothing: debezium is rdip
	log            []string // what rdip says of it, whatever the compatibility
}

// outcome is what one compatibility makes of a difference.
type outcome struct {
	records []string          // as line gives them
	columns map[string]string // the Avro type of a column; "" for a column that the row does not have
	absent  []string          // topics, behind the prefix, that must not be
	log     []string          // what rdip says of it
}

func (d *difference) outcome(compatibility string) outcome {
	if compatibility == "debezium" && !d.same {
		return d.debezium
	}
	return d.rdip
}

func TestWhatIsDifferentFromDebeziumIsSoOnPurpose(t *testing.T) {
	kafka, registry := testenv.SharedKafka(t), testenv.SharedRegistry(t)
	for _, version := range []int{15, 18} {
		for _, compatibility := range []string{"rdip", "debezium"} {
			t.Run(fmt.Sprintf("PostgreSQL %d, compatibility %s", version, compatibility), func(t *testing.T) {
				pg := testenv.SharedPostgres(t, version)
				prefix := fmt.Sprintf("%s%d", compatibility, version)
				database := testenv.Database(t, pg)
				s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), prefix).With(
					"connectors.shop.compatibility", compatibility,
					"connectors.shop.extended.headers.enabled", "false",
					"connectors.shop.snapshot.max.threads", "1")
				checkDifferences(t, pg, database, s, kafka, &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}})
			})
		}
	}
}

func checkDifferences(t *testing.T, pg *pgserver.Server, database string, s *harness.Setup, kafka *kafkaserver.Cluster, schemas *harness.RegistrySchemas) {
	prefix, compatibility := s.Keys["connectors.shop.topic.prefix"], s.Keys["connectors.shop.compatibility"]
	due := slices.DeleteFunc(slices.Clone(onPurpose), func(d difference) bool { return d.since > pg.Version() })
	for _, d := range due {
		execute(t, pg, database, d.setup)
	}
	run := s.Start(t)
	run.WaitFor(t, "state=streaming")
	for _, d := range due {
		execute(t, pg, database, d.changes)
	}
	for _, d := range due {
		t.Run(d.name, func(t *testing.T) {
			want := d.outcome(compatibility)
			got := await(t, kafka, schemas, prefix+"."+d.topic, len(want.records))
			compareOutcome(t, want, got)
			for _, text := range append(slices.Clone(d.log), want.log...) {
				run.WaitFor(t, text)
			}
			topics, err := kafka.Topics()
			if err != nil {
				t.Fatal(err)
			}
			for _, absent := range want.absent {
				if slices.Contains(topics, prefix+"."+absent) {
					t.Errorf("there is a topic %s", absent)
				}
			}
		})
	}
	if code := run.Stop(t); code != 0 {
		t.Errorf("rdip ended with exit code %d", code)
	}
}

func compareOutcome(t *testing.T, want outcome, got []wire) {
	t.Helper()
	if have := lines(t, got); !slices.Equal(have, want.records) {
		t.Errorf("records\n  %s\nwant\n  %s", strings.Join(have, "\n  "), strings.Join(want.records, "\n  "))
	}
	for column, typ := range want.columns {
		switch have := rowSchema(t, got[0].ValueSchema, column); {
		case typ == "" && have != nil:
			t.Errorf("the row has a column %s: %s", column, have)
		case typ != "" && !sameJSON(typ, string(have)):
			t.Errorf("column %s is %s, want %s", column, have, typ)
		}
	}
}

// sameJSON compares apart from the order of properties.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// execute runs SQL, as one transaction where it is several statements.
func execute(t *testing.T, pg *pgserver.Server, database, sql string) {
	t.Helper()
	if err := pg.Exec(t.Context(), database, sql); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
}
