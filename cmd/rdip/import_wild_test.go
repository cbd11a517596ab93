package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rdip/configs"
)

// wild are connectors as people have them, in the forms in which they have them, with what of each cannot be kept.
var wild = []struct {
	file, name, worker string
	refused            []string // keys
	has                []string // lines of the file that is written
}{
	{file: "tutorial.json", worker: "cloud-worker.properties", refused: []string{"CONNECT_FOO"},
		has: []string{`sasl.jaas.config: "${env:RDIP_INVENTORY_CONNECTOR_SASL_JAAS_CONFIG}"`, `# NO EFFECT: internal.key.converter`}},
	{file: "tutorial.json", name: "renamed", has: []string{`"renamed":`}},
	{file: "flattened.json", has: []string{"# an old Debezium's drop.tombstones and delete.handling.mode",
		`transforms.unwrap.delete.tombstone.handling.mode: "rewrite-with-tombstone"`, `database.user: "${file:/secrets/db.properties:username}"`}},
	{file: "outbox.json", has: []string{`transforms.outbox.route.topic.replacement: "${routedByValue}.events"`}},
	{file: "bus-of-debezium-1.json", refused: []string{"behavior.on.null.values", "errors.log.include.messages",
		"transforms.extractPartitionKey.type", "transforms.extractTopicName.type", "transforms.removeFields.type", "transforms.requireTopicName.type"},
		has: []string{`"message_bus":`, "# an old Debezium's database.server.name", `topic.prefix: "prod_app"`, `transforms.unwrap.delete.tombstone.handling.mode: "drop"`}},
	{file: "standalone.properties", refused: []string{"plugin.name", "snapshot.mode"},
		has: []string{`topic.prefix: "fulfillment"`, `table.exclude.list: "public.audit"`, `column.exclude.list: "public.users.ssn"`}},
	{file: "strimzi.yaml", worker: "strimzi-worker.yaml", refused: []string{"spec.tls"},
		has: []string{`"debezium-connector":`, `bootstrap.servers: "cluster-kafka-bootstrap:9093"`, `database.user: "${env:RDIP_DEBEZIUM_CONNECTOR_DATABASE_USER}"`}},
	{file: "confluent.yaml", refused: []string{"key.converter", "topic.prefix", "value.converter"}, has: []string{`"pg-cfk":`, `schema.registry.url: "http://sr:8081"`}},
	{file: "expanded.json", name: "a", has: []string{`topic.prefix: "a"`}},
	{file: "list.json", has: []string{`"a":`}},
	{file: "answer.json", has: []string{`"a":`}},
	{file: "everything.json", worker: "strimzi-worker.yaml", refused: []string{"spec.tls", "converters", "database.initial.statements", "event.processing.failure.handling.mode",
		"flush.lsn.source", "isbn.type", "notification.enabled.channels", "signal.kafka.bootstrap.servers", "transforms.filter.type", "transforms.insertTS.type",
		"value.converter.auto.register.schemas", "value.converter.use.latest.version", "value.converter.value.subject.name.strategy"}},
}

// What is written and has no key REFUSED or MISSING is a configuration that starts; what a start would refuse is said to be
// refused.
func TestConnectorsAsPeopleHaveThemBecomeConfigurationsOrAreRefusedByKey(t *testing.T) {
	for _, c := range wild {
		t.Run(strings.TrimSpace(c.file+" "+c.name), func(t *testing.T) {
			x, text := importedWild(t, c.file, c.name, c.worker)
			var refused []string
			for _, v := range slices.Concat(x.worker, x.connector) {
				if v.Refused() {
					refused = append(refused, v.Key)
				}
			}
			if slices.Sort(refused); !slices.Equal(refused, slices.Sorted(slices.Values(c.refused))) || len(x.missing) > 0 {
				t.Errorf("refused are %q, missing %v", refused, x.missing)
			}
			for _, want := range c.has {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing:\n%s", want, text)
				}
			}
			for _, secret := range []string{"s3cret", "pass word", "SECRET", "SRSECRET"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in the file", secret)
				}
			}
			if x.undecided() == "" {
				loads(t, x, text)
			}
		})
	}
}

func importedWild(t *testing.T, file, name, worker string) (*translation, string) {
	t.Helper()
	const dir = "testdata/import/wild/"
	connector, err := readConnector(dir+file, name)
	if err != nil {
		t.Fatal(err)
	}
	shared := configs.Foreign{}
	if worker != "" {
		if shared, err = readWorker(dir + worker); err != nil {
			t.Fatal(err)
		}
	}
	if name == "" {
		name = connector.Name
	}
	x := newTranslation(name, connector.Keys, shared.Keys)
	var text strings.Builder
	x.write(&text, file, t.TempDir())
	return x, text.String()
}

// loads has the written file read as a start reads it, with the secrets that it asks for.
func loads(t *testing.T, x *translation, text string) {
	t.Helper()
	for name := range x.variables {
		t.Setenv(name, "a:secret")
	}
	t.Setenv("ORDERS_PW", "a secret")
	dir := t.TempDir()
	text = strings.ReplaceAll(text, "/secrets/", dir+"/")
	for name, content := range map[string]string{"db.properties": "username=u\npassword=p\n", "rdip.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := load(filepath.Join(dir, "rdip.yaml")); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// The connector is stopped by the name that it has in Connect, not by the one that it gets here.
func TestTheNextStepsNameTheConnectorAsConnectDoes(t *testing.T) {
	for name, want := range map[string]string{"message.bus": "PUT /connectors/message.bus/stop", "": "PUT /connectors/message_bus/stop", "a b": "PUT /connectors/a%20b/stop"} {
		x := newTranslation("message.bus", map[string]string{}, nil)
		x.origin = name
		var next strings.Builder
		if x.next(&next, "FILE"); !strings.Contains(next.String(), want) || !strings.Contains(next.String(), "rdip offsets set message_bus --lsn") {
			t.Errorf("%q: %s", name, next.String())
		}
	}
}

func TestWhatIsNoConnectorOfPostgreSQLIsRefusedByName(t *testing.T) {
	for file, want := range map[string]string{
		"mysql.json":            "its connector.class is io.debezium.connector.mysql.MySqlConnector, and rdip reads PostgreSQL",
		"managed.json":          "PostgresCdcSourceV2, Confluent Cloud's own",
		"expanded.json":         "it has 2 connectors: a, sink (fix: choose one with --name",
		"server.properties":     "it is a Debezium Server's",
		"strimzi-worker.yaml":   "it is a worker's, and no connector's (fix: give it with --worker",
		"names.json":            "GET /connectors?expand=info",
		"../wild/no-such.json":  "no such file",
		"unreadable-config.yml": "4:8",
	} {
		t.Run(file, func(t *testing.T) {
			if _, err := readConnector("testdata/import/wild/"+file, ""); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want %q", err, want)
			}
		})
	}
	if _, err := readWorker("testdata/import/wild/tutorial.json"); err == nil || !strings.Contains(err.Error(), "it is no worker's") {
		t.Errorf("a connector as a worker: %v", err)
	}
}

func TestTheOldWaysOfDeletesAreWrittenAsTheOneOfNow(t *testing.T) {
	const old, now = "transforms.unwrap.", "transforms.unwrap.delete.tombstone.handling.mode"
	for name, c := range map[string]struct {
		keys map[string]string
		want string
	}{
		"neither given":                  {nil, ""},
		"tombstones dropped":             {map[string]string{"drop.tombstones": "true"}, "drop"},
		"tombstones kept":                {map[string]string{"drop.tombstones": "false"}, "tombstone"},
		"deletes rewritten":              {map[string]string{"delete.handling.mode": "rewrite"}, "rewrite"},
		"rewritten, with tombstones":     {map[string]string{"delete.handling.mode": "rewrite", "drop.tombstones": "false"}, "rewrite-with-tombstone"},
		"deletes as tombstones":          {map[string]string{"delete.handling.mode": "none", "drop.tombstones": "true"}, "delete-to-tombstone"},
		"two tombstones":                 {map[string]string{"delete.handling.mode": "none", "drop.tombstones": "false"}, ""},
		"the option of now is given too": {map[string]string{"delete.handling.mode": "rewrite", "delete.tombstone.handling.mode": "drop"}, "drop"},
	} {
		t.Run(name, func(t *testing.T) {
			keys := map[string]string{old + "type": "io.debezium.transforms.ExtractNewRecordState"}
			for key, value := range c.keys {
				keys[old+key] = value
			}
			renamed, _ := renameOld(keys)
			if keys[now] != c.want || (renamed[now] != "") != (c.want != "" && c.keys["delete.tombstone.handling.mode"] == "") {
				t.Errorf("got %q, said %v", keys[now], renamed)
			}
		})
	}
}
