package source

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rdip/configs"
	"rdip/internal/fault"
)

// FuzzSignals: anybody who may write to the signal topic or table writes these. A record of another connector is none;
// what is taken has a type and a name; its data is refused as a fault, or chooses captured tables only.
func FuzzSignals(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","type":"execute-snapshot","data":{"data-collections":["public\\.orders"],"additional-conditions":[{"data-collection":"public.orders","filter":"id > 7"}]}}`,
		`{"type":"stop-snapshot","data":{"data-collections":[".*"]}}`, `{"type":"log","data":{"message":"hi"}}`, `{"type":"x","data":"text"}`, `{"type":1}`, `[]`, `null`, ``,
		`{"type":"execute-snapshot","data":{"data-collections":["(?!a)","["],"additional-condition":"SELECT 1"}}`,
	} {
		f.Add("shop", s)
	}
	names := []string{"public.orders", "public.items"}
	f.Fuzz(func(t *testing.T, key, value string) {
		signals, err := recordSignals(SignalRecord{Offset: 7, Key: []byte(key), Value: []byte(value)}, "shop")
		if key != "shop" && (len(signals) > 0 || err != nil) {
			t.Fatalf("a signal of %q: %v, %v", key, signals, err)
		}
		for _, s := range signals {
			if s.Type == "" || s.ID == "" || s.Channel != channelKafka {
				t.Fatalf("%s became %+v", value, s)
			}
			var data signalData
			if s.Data == "" || json.Unmarshal([]byte(s.Data), &data) != nil {
				continue
			}
			chosen, err := matching(data.Tables, names)
			if err == nil {
				for _, table := range chosen {
					_, err = data.filter(table)
				}
			}
			var e *fault.Error
			if err != nil && (!errors.As(err, &e) || !e.Permanent) {
				t.Fatalf("%v is no permanent fault", err)
			}
			if len(chosen) > len(names) {
				t.Fatalf("%q are not among %q", chosen, names)
			}
		}
	})
}

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
		indented := "    " + strings.ReplaceAll(text, "\n", "\n    ")
		file, findings := configs.Parse("f.yaml", []byte("connectors:\n  shop:\n    topic.prefix: shop\n    connector.class: postgres\n"+indented+"\n"))
		if file == nil || findings.Err() != nil || file.Connector("shop") == nil {
			return
		}
		var c Config
		section := file.Connector("shop")
		findings = append(findings, configs.Decode(section, c.Definition(), c.Converters.Overrides())...)
		findings = append(findings, c.CheckRecords(section)...)
		for _, found := range findings {
			if found.Seen == "" && found.Need == "" {
				t.Fatalf("%+v says nothing", found)
			}
		}
		if c.chain != nil && findings.Err() == nil {
			c.chain.route(Destination{Topic: "shop.public.orders"})
		}
	})
}
