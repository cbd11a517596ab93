package routing

import (
	"strings"
	"testing"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/schema"
)

// chainOf compiles a connector's transforms from the lines of a file.
func chainOf(t *testing.T, text string) (*Chain, string) {
	t.Helper()
	chain, findings := readChain(text)
	var lines []string
	for _, f := range findings {
		lines = append(lines, f.String())
	}
	return chain, strings.Join(lines, "\n")
}

// readChain is the chain of the lines of a connector; without findings and a chain the lines are no YAML.
func readChain(text string) (*Chain, fault.Findings) {
	indented := "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
	file, findings := configs.Parse("f.yaml", []byte("connectors:\n  shop:\n    topic.prefix: shop\n    connector.class: postgres\n"+indented+"\n"))
	if file == nil || findings.Err() != nil || file.Connector("shop") == nil {
		return nil, findings
	}
	var c TransformConfig
	var class, prefix string
	d := configs.NewDefinition("connector")
	d.String(&class, "connector.class", "Its class.")
	d.String(&prefix, "topic.prefix", "Its prefix.")
	c.Define(d)
	section := file.Connector("shop")
	findings = append(findings, configs.Decode(section, d)...)
	chain, found := c.Chain(section, false)
	return chain, append(findings, found...)
}

func TestTransformsAreReadStrictly(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nested, as YAML has it", "transforms.unwrap:\n  type: io.debezium.transforms.ExtractNewRecordState\n  add.fields: [op, source.lsn]", ""},
		{"an unknown option, by its line", "transforms: unwrap\ntransforms.unwrap.type: io.debezium.transforms.ExtractNewRecordState\ntransforms.unwrap.add.fieldz: op",
			"f.yaml:7:5 connectors.shop.transforms.unwrap.add.fieldz: the key is unknown; needed: a known key; the nearest is add.fields"},
		{"a transform with a counterpart", "transforms: m\ntransforms.m.type: org.apache.kafka.connect.transforms.MaskField$Value\ntransforms.m.fields: x",
			`the transform "org.apache.kafka.connect.transforms.MaskField$Value" is not built; needed: one of ByLogicalTableRouter, EventRouter, ExtractNewRecordState, RegexRouter, ToLogicalTopicRouter; fix: column.mask.with.N.chars`},
		{"a transform that the list forgets", "transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.b.type: EventRouter", `settings of "b", which transforms does not name`},
		{"two transforms without a list", "transforms.a.type: ExtractNewRecordState\ntransforms.b.type: EventRouter", "which gives the order"},
		{"no class", "transforms: a", "the transform has no class"},
		{"a predicate that is not there", "transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.a.predicate: p", `there is no predicate "p"`},
		{"a predicate that is not built", "transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.a.predicate: p\npredicates: p\npredicates.p.type: org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
			`is not built; needed: TopicNameMatches or RecordIsTombstone`},
		{"tombstones alone", "transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.a.predicate: p\npredicates: p\npredicates.p.type: RecordIsTombstone", "a transform for tombstones alone"},
		{"a field that cannot be added", "transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.a.add.fields: after.id", `"after.id" is not a field that can be added`},
		{"a header that nothing makes", "transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.a.drop.fields.header.name: x", "column.exclude.list leaves columns out"},
		{"a place that is none", "transforms: a\ntransforms.a.type: EventRouter\ntransforms.a.table.fields.additional.placement: type:body", "the place is header, envelope or partition"},
		{"a group that is not there", "transforms: a\ntransforms.a.type: EventRouter\ntransforms.a.route.topic.replacement: 'x.${other}'", "other"},
		{"a way of deletes that is none", "transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.a.delete.tombstone.handling.mode: keep", "one of tombstone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got := chainOf(t, c.text)
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestTheChainDecidesByTheTopic(t *testing.T) {
	chain, findings := chainOf(t, `
transforms: short,outbox,unwrap,last
predicates: isOutbox
predicates.isOutbox.type: TopicNameMatches
predicates.isOutbox.pattern: 'public\.outbox'
transforms.short.type: org.apache.kafka.connect.transforms.RegexRouter
transforms.short.regex: 'shop\.(.*)'
transforms.short.replacement: '$1'
transforms.outbox.type: io.debezium.transforms.outbox.EventRouter
transforms.outbox.predicate: isOutbox
transforms.unwrap.type: io.debezium.transforms.ExtractNewRecordState
transforms.last.type: org.apache.kafka.connect.transforms.RegexRouter
transforms.last.regex: 'outbox\.event\.(.*)'
transforms.last.replacement: 'events-$1'`)
	if findings != "" {
		t.Fatal(findings)
	}
	n := Naming{Prefix: "shop", Transforms: chain}
	orders := n.Topic(&schema.Table{Schema: "public", Name: "orders"})
	if orders.Topic != "public.orders" || orders.Names != "shop.public.orders" || orders.ByRow() || orders.Plan.Flat == nil {
		t.Errorf("orders: %+v", orders)
	}
	outbox := n.Topic(&schema.Table{Schema: "public", Name: "outbox"})
	if !outbox.ByRow() || outbox.Plan.Outbox == nil || outbox.Plan.Flat != nil {
		t.Fatalf("outbox: %+v", outbox)
	}
	if topic := outbox.Plan.Renamed("outbox.event.user"); topic != "events-user" {
		t.Errorf("a message goes to %s", topic)
	}
	var none *Chain
	if d := none.route(Destination{Topic: "x"}); d.Topic != "x" || d.ByRow() {
		t.Errorf("no chain changes %+v", d)
	}
}
