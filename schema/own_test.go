package schema

import (
	"os"
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"
)

// mysqlSource is the source block of Debezium's MySQL connector, which wrote the golden schema changes.
var mysqlSource = &Source{Name: "io.debezium.connector.mysql.Source", Fields: []Field{
	{Name: "table", Type: Plain(String), Nullable: true}, {Name: "server_id", Type: Plain(Long)},
	{Name: "gtid", Type: Plain(String), Nullable: true}, {Name: "file", Type: Plain(String)}, {Name: "pos", Type: Plain(Long)},
	{Name: "row", Type: Plain(Int)}, {Name: "thread", Type: Plain(Long), Nullable: true}, {Name: "query", Type: Plain(String), Nullable: true}}}

func TestSchemasOfRecordsOfNoTableAreThoseThatDebeziumRegistered(t *testing.T) {
	for file, got := range map[string]string{
		"transaction-key":     TransactionKeySchema,
		"transaction-value":   TransactionValueSchema,
		"schema-change-key":   SchemaChangeKeySchema(mysqlSource),
		"schema-change-value": SchemaChangeValueSchema(mysqlSource),
	} {
		want, err := os.ReadFile("testdata/own/" + file + ".avsc")
		if err != nil {
			t.Fatal(err)
		}
		if got != strings.TrimSpace(string(want)) {
			t.Errorf("%s:\n%s\nwant\n%s", file, got, want)
		}
	}
}

func TestSchemasOfRecordsOfNoTableAreAvro(t *testing.T) {
	for _, text := range []string{HeartbeatKeySchema, HeartbeatValueSchema, MessageKeySchema(mysqlSource),
		MessageValueSchema(mysqlSource, Bytes), MessageValueSchema(mysqlSource, String)} {
		if _, err := goavro.NewCodec(text); err != nil {
			t.Errorf("%v: %s", err, text)
		}
	}
}
