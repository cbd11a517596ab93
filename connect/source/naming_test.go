package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rdip/configs"
	"rdip/schema"
)

func namingOf(t *testing.T, keys map[string]string) (Naming, error) {
	t.Helper()
	c := Config{}
	keys["connector.class"], keys["topic.prefix"] = "postgres", "shop"
	section := configs.FromMap("test", "shop", keys)
	found := configs.Decode(section, c.Definition())
	return c.Naming(), append(found, c.CheckRows(section.Where)...).Err()
}

func TestTopicsAreNamedAsTheConfigurationSays(t *testing.T) {
	logical := map[string]string{"topic.routing.topic.regex": `(.*)orders_shard(\d+)`, "topic.routing.topic.replacement": "$1orders"}
	with := func(more ...string) map[string]string {
		all := map[string]string{}
		for k, v := range logical {
			all[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	shard := &schema.Table{Database: "db", Schema: "public", Name: "orders_shard7"}
	for name, c := range map[string]struct {
		keys map[string]string
		want Destination
	}{
		"as Debezium":       {map[string]string{}, Destination{Topic: "shop.public.orders_shard7", Names: "shop.public.orders_shard7"}},
		"another delimiter": {map[string]string{"topic.delimiter": "-"}, Destination{Topic: "shop-public-orders_shard7", Names: "shop-public-orders_shard7"}},
		"without a schema": {map[string]string{"topic.naming.strategy": "io.debezium.schema.DefaultTopicNamingStrategy"},
			Destination{Topic: "shop.orders_shard7", Names: "shop.orders_shard7"}},
		"by a template": {map[string]string{"topic.naming": "cdc.${database}.${table}.${schema}"}, Destination{Topic: "cdc.db.orders_shard7.public", Names: "cdc.db.orders_shard7.public"}},
		"several tables in one": {with(), Destination{Topic: "shop.public.orders", Names: "shop.public.orders", Shared: true,
			KeyField: "__dbz__physicalTableIdentifier", KeyValue: "shop.public.orders_shard7"}},
		"with a field and a value of one's own": {with("topic.routing.key.field.name", "shard", "topic.routing.key.field.regex", `.*_shard(\d+)`, "topic.routing.key.field.replacement", "$1"),
			Destination{Topic: "shop.public.orders", Names: "shop.public.orders", Shared: true, KeyField: "shard", KeyValue: "7"}},
		"with keys that are unique": {with("topic.routing.key.enforce.uniqueness", "false"), Destination{Topic: "shop.public.orders", Names: "shop.public.orders", Shared: true}},
		"by RegexRouter, which leaves schemas alone": {map[string]string{"topic.routing.regex": `shop\.(.*)`, "topic.routing.replacement": "x.$1"},
			Destination{Topic: "x.public.orders_shard7", Names: "shop.public.orders_shard7", Shared: true}},
		"not matched": {map[string]string{"topic.routing.regex": "orders", "topic.routing.replacement": "x"}, Destination{Topic: "shop.public.orders_shard7", Names: "shop.public.orders_shard7"}},
	} {
		n, err := namingOf(t, c.keys)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, n.Topic(shard), cmpopts.IgnoreUnexported(Destination{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestNamesOfTopicsThatCannotBeAreRefused(t *testing.T) {
	for _, keys := range []map[string]string{
		{"topic.delimiter": "/"}, {"topic.naming": "${schma}.${table}"}, {"topic.naming": "a b"}, {"topic.naming.strategy": "com.example.Mine"},
		{"topic.routing.topic.regex": "a"}, {"topic.routing.regex": "(", "topic.routing.replacement": "x"},
		{"topic.routing.regex": "a", "topic.routing.replacement": "$1"}, {"topic.routing.unknown": "1"},
		{"topic.routing.topic.regex": "a", "topic.routing.topic.replacement": "b", "topic.routing.key.field.regex": "x"},
	} {
		if _, err := namingOf(t, keys); err == nil {
			t.Errorf("%v is taken", keys)
		}
	}
}

// K8: two tables have one topic only where that is asked for.
func TestTablesWithOneTopicAreRefusedUnlessAskedFor(t *testing.T) {
	named := func(schemas ...string) []*schema.Table {
		var all []*schema.Table
		for i, s := range schemas {
			all = append(all, &schema.Table{Schema: s, Name: "t", OID: uint64(i + 1), Key: []int{0}, Columns: ordersLayout(0).Table.Columns})
		}
		return all
	}
	n, err := namingOf(t, map[string]string{"topic.naming": "all.${table}"})
	if err != nil {
		t.Fatal(err)
	}
	ts := newTables(n, nil)
	if _, err := ts.destination(named("a")[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.destination(named("b")[0]); err == nil || !strings.Contains(err.Error(), "a.t") {
		t.Errorf("a second table: %v", err)
	}
	if j := Judge(named("a", "b"), nil, n); len(j.Topics) != 2 {
		t.Errorf("the check does not see both: %v", j.Topics)
	}
	n, err = namingOf(t, map[string]string{"topic.routing.regex": `shop\..*\.t`, "topic.routing.replacement": "all"})
	if err != nil {
		t.Fatal(err)
	}
	j := Judge(named("a", "b", "c"), nil, n)
	if len(j.Topics) != 1 || len(j.Findings) != 1 || j.Findings[0].Case != "K8" {
		t.Errorf("topics %v, findings %v", j.Topics, j.Findings)
	}
}
