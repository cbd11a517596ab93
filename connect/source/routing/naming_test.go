package routing

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rdip/configs"
	"rdip/schema"
)

func namingOf(t *testing.T, keys map[string]string) (Naming, error) {
	t.Helper()
	var c Config
	d := configs.NewDefinition("names")
	c.Define(d)
	section := configs.FromMap("test", "shop", keys)
	found := configs.Decode(section, d)
	return c.Naming("shop"), append(found, c.Check(section.Where)...).Err()
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
