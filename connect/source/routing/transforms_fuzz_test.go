package routing

import (
	"testing"
)

// FuzzTransforms: whatever the settings of transforms and predicates, they become a chain, or findings that name keys
// of the file.
func FuzzTransforms(f *testing.F) {
	for _, s := range []string{
		"transforms: a\ntransforms.a.type: ExtractNewRecordState\ntransforms.a.add.fields: op,source.lsn",
		"transforms.a.type: io.debezium.transforms.outbox.EventRouter\ntransforms.a.route.topic.replacement: 'x.${routedByValue}'\ntransforms.a.table.fields.additional.placement: a:header:b,c:partition",
		"transforms: r\ntransforms.r.type: RegexRouter\ntransforms.r.regex: '(a)(?<n>b)'\ntransforms.r.replacement: '$1${n}\\$'\ntransforms.r.predicate: p\npredicates: p\npredicates.p.type: TopicNameMatches\npredicates.p.pattern: a)|(b",
		"transforms: t\ntransforms.t.type: ByLogicalTableRouter\ntransforms.t.topic.regex: (.*)\ntransforms.t.topic.replacement: $9",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2<<10 {
			t.Skip("long inputs are only slow")
		}
		chain, findings := readChain(text)
		for _, found := range findings {
			if found.Seen == "" && found.Need == "" {
				t.Fatalf("%+v says nothing", found)
			}
		}
		if chain != nil && findings.Err() == nil {
			chain.route(Destination{Topic: "shop.public.orders"})
		}
	})
}
