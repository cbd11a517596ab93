package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/testenv/registryserver"
)

// goldenRun has rdip do what Debezium did, and compares what both wrote.
type goldenRun struct {
	folder     string   // of testdata/golden
	extensions bool     // on the server that has PostGIS and pgvector
	unlike     []string // topics that are not compared: what Debezium wrote there is its own doing
	also       func(t *testing.T, r *goldenRun)

	pg       *pgserver.Server
	kafka    *kafkaserver.Cluster
	registry *registryserver.Registry
	golden   map[string][]wire
}

func (r goldenRun) test(t *testing.T) {
	r.kafka, r.registry, r.golden = testenv.SharedKafka(t), testenv.SharedRegistry(t), readGoldenOf(t, r.path())
	if r.extensions {
		r.pg = testenv.SharedExtensions(t)
	} else {
		r.pg = testenv.SharedPostgres(t, 15)
	}
	r.write(t)
	schemas := &harness.RegistrySchemas{URL: r.registry.URL(), ByID: map[int32]string{}}
	for _, topic := range sortedKeys(r.golden) {
		t.Run(topic, func(t *testing.T) {
			got := readWire(t, r.kafka, schemas, topic)
			for _, difference := range compareWire(r.golden[topic], got[:firstOnly(topic, len(got))]) {
				t.Error(difference)
			}
		})
	}
	r.noOtherTopics(t)
	if r.also != nil {
		r.also(t, &r)
	}
}

func (r *goldenRun) path() string { return filepath.Join("testdata/golden", r.folder) }

// file is the folder's own file, or that of the nearest folder above.
func (r *goldenRun) file(name string) string {
	for folder := r.path(); ; folder = filepath.Dir(folder) {
		own := filepath.Join(folder, name)
		if _, err := os.Stat(own); err == nil || folder == "." {
			return own
		}
	}
}

// write runs the SQL, with rdip between setup and changes, until every record that Debezium wrote has its place.
// The database's name is Debezium's own, which is in every source block.
func (r *goldenRun) write(t *testing.T) {
	t.Helper()
	database := r.property(t, "database.dbname")
	if err := r.pg.CreateDatabase(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := testenv.DropDatabase(r.pg, database); err != nil {
			t.Error(err)
		}
	})
	harness.SQL(t, r.pg, database, r.file("setup.sql"))
	s := harness.NewSetup(t, r.pg, database, r.kafka.Bootstrap(), r.registry.URL(), r.property(t, "topic.prefix"))
	d := s.StartFile(t, r.imported(t, s))
	d.WaitFor(t, "state=streaming")
	harness.SQL(t, r.pg, database, r.file("changes.sql"))
	for _, topic := range sortedKeys(r.golden) {
		awaitRecords(t, r.kafka, topic, len(r.golden[topic]))
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Fatalf("rdip ended with exit code %d", code)
	}
}

// imported is the file that rdip import makes of the connector's and the worker's, which differ from those of the folder
// in the servers' addresses only. What is added says where rdip listens, and that one connection copies, as Debezium's
// does, so that the markers of first and last rows are on the same rows.
func (r *goldenRun) imported(t *testing.T, s *harness.Setup) string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	here := strings.NewReplacer("127.0.0.1:19092", r.kafka.Bootstrap(), "http://127.0.0.1:18081/apis/ccompat/v7", r.registry.URL(),
		"database.port=15432", fmt.Sprint("database.port=", r.pg.Port()))
	for _, name := range []string{"connector.properties", "worker.properties"} {
		text, err := os.ReadFile(r.file(name))
		if err == nil {
			err = os.WriteFile(in(name), []byte(here.Replace(string(text))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Command(t, harness.ExitDone, "import", in("connector.properties"), "--worker", in("worker.properties"), "--state-dir", in("state"), "-o", in("rdip.yaml"))
	text, err := os.ReadFile(in("rdip.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	name := r.property(t, "name")
	t.Setenv("RDIP_"+strings.ToUpper(name)+"_DATABASE_PASSWORD", "unused")
	text = fmt.Appendf(text, "    snapshot.max.threads: 1\nrest.listeners: 127.0.0.1:0\n")
	if err := os.WriteFile(in("rdip.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return in("rdip.yaml")
}

// property is a key's value in the folder's connector.properties.
func (r *goldenRun) property(t *testing.T, key string) string {
	t.Helper()
	text, err := os.ReadFile(r.file("connector.properties"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `=(.*)$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no %s", r.folder, key)
	}
	return string(found[1])
}

// noOtherTopics complains of topics that Debezium did not write.
func (r *goldenRun) noOtherTopics(t *testing.T) {
	t.Helper()
	topics, err := r.kafka.Topics()
	if err != nil {
		t.Fatal(err)
	}
	prefix := r.property(t, "topic.prefix")
	for _, topic := range topics {
		if _, ok := r.golden[topic]; !ok && !slices.Contains(r.unlike, topic) && (strings.HasPrefix(topic, prefix+".") || strings.HasPrefix(topic, prefix+"_")) {
			t.Errorf("rdip wrote a topic that Debezium did not: %s", topic)
		}
	}
}

// firstOnly is how many of n records are compared: heartbeats come by the clock, and one is like another.
func firstOnly(topic string, n int) int {
	if strings.Contains(topic, "heartbeat") || strings.Contains(topic, ".beats.") {
		return min(n, 1)
	}
	return n
}

// tailReads has rdip tail show JSON that has no registry.
func tailReads(t *testing.T, r *goldenRun) {
	lines, complaints, code := tail(t, r.property(t, "topic.prefix")+".public.t_num", "--from-beginning", "--no-follow", "--bootstrap-server", r.kafka.Bootstrap())
	if code != 0 || len(lines) == 0 || !strings.Contains(lines[0], "public.t_num") || !strings.Contains(lines[0], "id=1") || !strings.Contains(lines[0], "c_double: 2.25") {
		t.Errorf("rdip tail: exit code %d\n%s\n%s", code, strings.Join(lines, "\n"), complaints)
	}
}
