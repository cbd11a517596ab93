package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rdip/configs"
	"rdip/connect/source/routing"
)

// As Debezium names them (AbstractTopicNamingStrategy); and a RegexRouter renames what passes it, as in Connect.
func TestTopicsOfNoTableAreNamedAsDebeziumNamesThem(t *testing.T) {
	const router = "org.apache.kafka.connect.transforms.RegexRouter"
	for name, c := range map[string]struct {
		keys map[string]string
		want string // transaction, heartbeat, message, schema changes
	}{
		"as they are":         {map[string]string{}, "shop.transaction __debezium-heartbeat.shop shop.message shop"},
		"with a delimiter":    {map[string]string{"topic.delimiter": "_"}, "shop_transaction __debezium-heartbeat_shop shop.message shop"},
		"by names of one own": {map[string]string{"topic.transaction": "tx", "topic.heartbeat.prefix": "hb"}, "shop.tx hb.shop shop.message shop"},
		"by a whole name":     {map[string]string{"topic.heartbeat.name": "beats", "topic.delimiter": "_"}, "shop_transaction beats shop.message shop"},
		"through a RegexRouter": {map[string]string{"transforms.r.type": router, "transforms.r.regex": `shop\.(.*)`, "transforms.r.replacement": "cdc.$1"},
			"cdc.transaction __debezium-heartbeat.shop cdc.message shop"},
		"through one for others": {map[string]string{"transforms.r.type": router, "transforms.r.regex": `shop\.(.*)`, "transforms.r.replacement": "cdc.$1",
			"transforms.r.predicate": "p", "predicates.p.type": routing.TopicPredicate, "predicates.p.pattern": `.*\.orders`},
			"shop.transaction __debezium-heartbeat.shop shop.message shop"},
		"by topic.routing": {map[string]string{"topic.routing.regex": `(.*)`, "topic.routing.replacement": "x.$1"}, "x.shop.transaction x.__debezium-heartbeat.shop x.shop.message x.shop"},
		"a router of tables leaves them": {map[string]string{"topic.routing.topic.regex": `(.*)`, "topic.routing.topic.replacement": "x.$1"},
			"shop.transaction __debezium-heartbeat.shop shop.message shop"},
	} {
		t.Run(name, func(t *testing.T) {
			var config Config
			c.keys["connector.class"], c.keys["topic.prefix"] = "postgres", "shop"
			section := configs.FromMap("test", "shop", c.keys)
			found := configs.Decode(section, config.Definition())
			found = append(append(found, config.CheckRows(section.Where)...), config.CheckRecords(section)...)
			if err := found.Err(); err != nil {
				t.Fatal(err)
			}
			got := strings.Join([]string{config.TransactionTopicName(), config.HeartbeatTopicName(), config.MessageTopicName(), config.SchemaTopicName()}, " ")
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
