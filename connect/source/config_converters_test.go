package source

import (
	"strings"
	"testing"

	"rdip/configs"
	"rdip/connect/source/routing"
)

// chainByKeys compiles a connector's transforms from the lines of a file.
func chainByKeys(t *testing.T, text string) (*routing.Chain, string) {
	t.Helper()
	indented := "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
	file, findings := configs.Parse("f.yaml", []byte("connectors:\n  shop:\n    topic.prefix: shop\n    connector.class: postgres\n"+indented+"\n"))
	if file == nil {
		t.Fatal(findings)
	}
	var c Config
	section := file.Connector("shop")
	findings = append(findings, configs.Decode(section, c.Definition(), c.Converters.Overrides())...)
	findings = append(findings, c.CheckRecords(section)...)
	var lines []string
	for _, f := range findings {
		lines = append(lines, f.String())
	}
	return c.chain, strings.Join(lines, "\n")
}

// A single value as text is for what a transform makes of an outbox table.
func TestConvertersThatCannotWriteARowAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"text without an outbox", "value.converter: org.apache.kafka.connect.storage.StringConverter", "string, and the records are a table's; needed: avro or json"},
		{"text for an outbox", "value.converter: string\ntransforms.o.type: EventRouter", ""},
		{"protobuf", "value.converter: io.confluent.connect.protobuf.ProtobufConverter", "Protobuf is not built"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got := chainByKeys(t, c.text)
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
