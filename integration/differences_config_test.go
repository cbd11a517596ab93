package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/envelope/decode"
	"rdip/integration/harness"
	"rdip/integration/testenv"
)

// The rows of the list in docs/TYPES.md that a configuration decides. Each runs rdip by itself.

func TestAPartitionedTableIsReadOnceThroughItsRootWhenAsked(t *testing.T) { // P12
	kafka, registry := testenv.SharedKafka(t), testenv.SharedRegistry(t)
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", version), func(t *testing.T) {
			pg := testenv.SharedPostgres(t, version)
			database := testenv.Database(t, pg)
			execute(t, pg, database, `CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
				CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (100);
				CREATE TABLE high (v text, gone int, id int NOT NULL); ALTER TABLE high DROP gone;
				ALTER TABLE parted ATTACH PARTITION high FOR VALUES FROM (100) TO (200);
				INSERT INTO parted VALUES (1, 'a'), (101, 'b')`)
			prefix := fmt.Sprintf("root%d", version)
			s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), prefix).With(
				"connectors.shop.publish.via.partition.root", "true", "connectors.shop.snapshot.max.threads", "1")
			run := s.Start(t)
			run.WaitFor(t, "state=streaming")
			execute(t, pg, database, "INSERT INTO parted VALUES (102, 'c'); UPDATE parted SET v = 'd' WHERE id = 1; UPDATE parted SET id = 103 WHERE id = 1")
			want := []string{
				"c key{id=102} after{id=102 v=c}", "u key{id=1} after{id=1 v=d}",
				"d key{id=1} before{id=1 v=null} headers{__rdip.before=key}", "tombstone key{id=1}", "c key{id=103} after{id=103 v=d}",
			}
			got := lines(t, await(t, kafka, &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}, prefix+".public.parted", 2+len(want)))
			slices.Sort(got[:2]) // the partitions are read in any order
			if want = append([]string{"r key{id=101} after{id=101 v=b}", "r key{id=1} after{id=1 v=a}"}, want...); !slices.Equal(got, want) {
				t.Errorf("records\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			topics, err := kafka.Topics()
			if err != nil {
				t.Fatal(err)
			}
			for _, leaf := range []string{"low", "high"} {
				if slices.Contains(topics, prefix+".public."+leaf) {
					t.Errorf("partition %s has a topic of its own", leaf)
				}
			}
			if code := run.Stop(t); code != 0 {
				t.Errorf("rdip ended with exit code %d", code)
			}
		})
	}
}

func TestExtendedHeadersAreOffUnlessAskedFor(t *testing.T) {
	own := []string{"__debezium.context.connectorLogicalName", "__debezium.context.taskId=0", "__debezium.context.connectorName=postgresql", "__debezium.context.runId"}
	cases := []struct {
		name, compatibility, enabled string
		on                           bool
	}{
		{"off by default", "rdip", "", false},
		{"on when asked for", "rdip", "true", true},
		{"on as Debezium's are", "debezium", "", true},
		{"off as Debezium's can be", "debezium", "false", false},
	}
	pg, kafka, registry := testenv.SharedPostgres(t, 18), testenv.SharedKafka(t), testenv.SharedRegistry(t)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			database := testenv.Database(t, pg)
			execute(t, pg, database, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
			prefix := fmt.Sprintf("extended%d", i)
			s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), prefix).With("connectors.shop.compatibility", c.compatibility)
			if c.enabled != "" {
				s = s.With("connectors.shop.extended.headers.enabled", c.enabled)
			}
			run := s.Start(t)
			run.WaitFor(t, "state=streaming")
			execute(t, pg, database, "DELETE FROM t")
			want := []string(nil)
			if c.on {
				want = slices.Clone(own)
				want[0] += "=" + prefix
			}
			records := await(t, kafka, &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}, prefix+".public.t", 3)
			for _, r := range records {
				headers := slices.DeleteFunc(slices.Clone(r.Headers), func(h string) bool { return strings.HasPrefix(h, "__rdip.") })
				if !slices.Equal(headers, want) {
					t.Errorf("headers %v, want %v, of %s", headers, want, line(t, r))
				}
			}
			if code := run.Stop(t); code != 0 {
				t.Errorf("rdip ended with exit code %d", code)
			}
		})
	}
}

// With several connections no order between tables is promised; within a topic of one partition the records
// lie as they were written.
func TestFirstAndLastMarkTheFirstAndLastRecordWritten(t *testing.T) {
	pg, kafka, registry := testenv.SharedPostgres(t, 18), testenv.SharedKafka(t), testenv.SharedRegistry(t)
	database := testenv.Database(t, pg)
	execute(t, pg, database, `CREATE TABLE big (id int PRIMARY KEY, t text); CREATE TABLE small (id int PRIMARY KEY); CREATE TABLE one (id int PRIMARY KEY);
		INSERT INTO big SELECT i, repeat('x', 200) FROM generate_series(1, 5000) i; INSERT INTO small VALUES (1), (2), (3); INSERT INTO one VALUES (1)`)
	s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), "marks").With(
		"connectors.shop.snapshot.max.threads", "4", "connectors.shop.snapshot.chunk.bytes", "65536")
	run := s.Start(t)
	run.WaitFor(t, "state=streaming")
	schemas := &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}
	all := map[string]int{}
	for table, rows := range map[string]int{"big": 5000, "small": 3, "one": 1} {
		marks := marksOf(t, await(t, kafka, schemas, "marks.public."+table, rows))
		if len(marks) != rows {
			t.Errorf("%s has %d records, want %d", table, len(marks), rows)
		}
		for i, mark := range marks {
			all[mark]++
			checkMark(t, table, i, rows, mark)
		}
	}
	if all["first"] != 1 || all["last"] != 1 {
		t.Errorf("of %v: one record is the first, one the last", all)
	}
	if code := run.Stop(t); code != 0 {
		t.Errorf("rdip ended with exit code %d", code)
	}
}

// checkMark: only the first record of a topic is first of anything, only the last one last of anything.
func checkMark(t *testing.T, table string, i, rows int, mark string) {
	t.Helper()
	begins, ends := strings.HasPrefix(mark, "first"), strings.HasPrefix(mark, "last")
	switch {
	case rows == 1 && (begins || ends):
	case i == 0 && rows > 1 && begins, i == rows-1 && rows > 1 && ends:
	case i > 0 && i < rows-1 && mark == "true":
	default:
		t.Errorf("record %d of %d of %s is marked %q", i, rows, table, mark)
	}
}

func marksOf(t *testing.T, records []wire) []string {
	t.Helper()
	var out []string
	for _, r := range records {
		value := native(t, r.Value, r.ValueSchema)
		change, _ := decode.ChangeOf(&decode.Value{}, &value, nil)
		out = append(out, change.Mark)
	}
	return out
}
