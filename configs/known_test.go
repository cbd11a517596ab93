package configs

import (
	"bytes"
	"strings"
	"testing"
)

func TestTheTableOfKnownKeysIsSound(t *testing.T) {
	type id struct {
		name   string
		worker bool
	}
	seen := map[id]bool{}
	for _, k := range KnownKeys() {
		switch at := (id{k.Name, k.Worker}); {
		case seen[at]:
			t.Errorf("%s is there twice", k.Name)
		case k.Name == "" || k.Of == "" || strings.TrimSpace(k.Name) != k.Name:
			t.Errorf("%+v is incomplete", k)
		case (k.Why == "") != (k.Fate == Supported):
			t.Errorf("%s: a reason is given, or missing: %q", k.Name, k.Why)
		case (len(k.Only) > 0) != (k.Fate == Fixed):
			t.Errorf("%s: values %q for a key that is %v", k.Name, k.Only, k.Fate)
		case strings.Contains(k.Name, "*") && !strings.HasSuffix(k.Name, "*"):
			t.Errorf("%s: only the end may be open", k.Name)
		default:
			seen[at] = true
		}
	}
	if len(seen) < 250 {
		t.Errorf("only %d keys", len(seen))
	}
}

func TestLookupTakesTheExactNameThenTheLongestPattern(t *testing.T) {
	for _, c := range []struct {
		name   string
		worker bool
		fate   Fate
		of     string
	}{
		{"database.hostname", false, Supported, "Debezium's PostgreSQL connector"},
		{"heartbeat.interval.ms", false, Supported, ofDebezium},
		{"heartbeat.interval.ms", true, NoEffect, ofWorker},
		{"bootstrap.servers", true, Supported, ofWorker},
		{"transforms", false, Supported, ofConnector},
		{"transforms.a.type", false, Supported, ofConnector},
		{"column.mask.with.10.chars", false, Supported, ofDebezium},
		{"topic.creation.default.cleanup.policy", false, Supported, ofConnector},
		{"topic.creation.big.partitions", false, Refused, ofConnector},
		{"errors.tolerance", false, Supported, ofConnector}, // D8: a row is skipped only where that is asked for
		{"errors.log.include.messages", false, Fixed, ofConnector},
		{"producer.override.linger.ms", false, Supported, ofProducer},
		{"producer.override.sasl.kerberos.service.name", false, Refused, ofProducer},
		{"producer.override.nonsense", false, Refused, ofConnector},
		{"value.converter.schemas.enable", true, Supported, ofConverter},
		{"key.converter.nonsense", false, Refused, ofConverter},
	} {
		k, ok := Lookup(c.name, c.worker)
		if !ok || k.Fate != c.fate || k.Of != c.of {
			t.Errorf("%s: %v, %v of %s", c.name, ok, k.Fate, k.Of)
		}
	}
	if k, ok := Lookup("nonsense", false); ok {
		t.Errorf("found %+v", k)
	}
}

func TestTheTableAndADefinitionAreHeldAgainstEachOther(t *testing.T) {
	var s string
	d := NewDefinition("x")
	d.String(&s, "database.hostname", "Host.")
	d.String(&s, "errors.log.include.messages", "Not so.")
	lines := strings.Join(Disagreements(nil, []*Definition{d}), "\n")
	if strings.Contains(lines, "database.hostname") || !strings.Contains(lines, "key errors.log.include.messages: the table says fixed, defined is true") ||
		!strings.Contains(lines, "key slot.name: the table says supported, defined is false") {
		t.Error(lines)
	}
}

func TestTheTableIsDocumented(t *testing.T) {
	var b bytes.Buffer
	if err := KnownMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, k := range KnownKeys() {
		if k.Fate != Supported && !strings.Contains(b.String(), "| `"+k.Name+"` |") {
			t.Errorf("%s is left out", k.Name)
		}
	}
}
