package configs

import (
	"os"
	"strings"
	"testing"
)

// foreignPart is a part of testdata/keys.tsv: how its keys are written in a configuration, and how many there are, so
// that a list which was cut off is noticed.
type foreignPart struct {
	worker bool
	prefix string
	count  int
}

var foreignParts = map[string]foreignPart{
	"debezium-postgres-configdef": {count: 126},
	"debezium-postgres-fields":    {count: 135},
	"debezium-heartbeat":          {count: 1},
	"debezium-unwrap":             {prefix: "transforms.unwrap.", count: 7},
	"debezium-outbox":             {prefix: "transforms.outbox.", count: 15},
	"connect-connector":           {count: 19},
	"connect-source":              {count: 24},
	"connect-standalone":          {worker: true, count: 52},
	"connect-distributed":         {worker: true, count: 133},
	"producer":                    {worker: true, count: 113},
	"json-converter":              {prefix: "value.converter.", count: 6},
	"avro-converter":              {prefix: "value.converter.", count: 40},
	"avro-data":                   {prefix: "value.converter.", count: 6},
}

// readForeign reads the keys by part, as the programs themselves printed them.
func readForeign(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/keys.tsv")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		part, name, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok && !strings.HasPrefix(line, "#") {
			keys[part] = append(keys[part], name)
		}
	}
	return keys
}

func TestEveryKeyOfDebeziumConnectAndTheConvertersIsInTheTable(t *testing.T) {
	keys := readForeign(t)
	if len(keys) != len(foreignParts) {
		t.Errorf("%d parts, want %d", len(keys), len(foreignParts))
	}
	for part, names := range keys {
		how, ok := foreignParts[part]
		if !ok || len(names) != how.count {
			t.Errorf("part %s has %d keys, want %d", part, len(names), how.count)
		}
		for _, name := range names {
			full := how.prefix + name
			k, found := Lookup(full, how.worker)
			switch {
			case !found:
				t.Errorf("%s: %s is not in the table", part, full)
			case strings.HasSuffix(k.Why, "has no counterpart"):
				t.Errorf("%s: %s is met by the pattern %s only, which gives no reason of its own", part, full, k.Name)
			}
		}
	}
}

func TestEveryProducerKeyIsKnownAsAnOverrideToo(t *testing.T) {
	for _, name := range readForeign(t)["producer"] {
		k, found := Lookup(overridePrefix+name, false)
		if !found || strings.Contains(k.Name, "*") && k.Name == overridePrefix+"*" {
			t.Errorf("%s%s: %+v", overridePrefix, name, k)
		}
	}
}
