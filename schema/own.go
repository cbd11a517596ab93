package schema

// The schemas of the records that belong to no table: Debezium's SchemaFactory and PostgresSchemaFactory as
// Confluent's AvroData writes them.

// TransactionKeySchema is the Avro schema of the transaction topic's keys.
const TransactionKeySchema = `{"type":"record","name":"TransactionMetadataKey","namespace":"io.debezium.connector.common","fields":[` +
	`{"name":"id","type":"string"}],"connect.version":1,"connect.name":"io.debezium.connector.common.TransactionMetadataKey"}`

// TransactionValueSchema is the Avro schema of the transaction topic's values.
const TransactionValueSchema = `{"type":"record","name":"TransactionMetadataValue","namespace":"io.debezium.connector.common","fields":[` +
	`{"name":"status","type":"string"},{"name":"id","type":"string"},{"name":"event_count","type":["null","long"],"default":null},` +
	`{"name":"data_collections","type":["null",{"type":"array","items":["null",{"type":"record","name":"collection","namespace":"event","fields":[` +
	`{"name":"data_collection","type":"string"},{"name":"event_count","type":"long"}],"connect.version":1,"connect.name":"event.collection"}]}],"default":null},` +
	`{"name":"ts_ms","type":"long"}],"connect.version":1,"connect.name":"io.debezium.connector.common.TransactionMetadataValue"}`

// HeartbeatKeySchema is the Avro schema of the heartbeat topic's keys.
const HeartbeatKeySchema = `{"type":"record","name":"ServerNameKey","namespace":"io.debezium.connector.common","fields":[` +
	`{"name":"serverName","type":"string"}],"connect.version":1,"connect.name":"io.debezium.connector.common.ServerNameKey"}`

// HeartbeatValueSchema is the Avro schema of the heartbeat topic's values.
const HeartbeatValueSchema = `{"type":"record","name":"Heartbeat","namespace":"io.debezium.connector.common","fields":[` +
	`{"name":"ts_ms","type":"long"}],"connect.version":1,"connect.name":"io.debezium.connector.common.Heartbeat"}`

// MessageKeySchema is the Avro schema of the message topic's keys.
func MessageKeySchema(src *Source) string {
	return ownRecord(src, "MessageKey", func(w *avroWriter) {
		w.raw(`{"name":"prefix","type":["null","string"],"default":null}`)
	})
}

// MessageValueSchema is the Avro schema of the message topic's values; content is bytes, or a string where
// binary values are written as text.
func MessageValueSchema(src *Source, content Kind) string {
	return ownRecord(src, "MessageValue", func(w *avroWriter) {
		w.raw(`{"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"],"default":null},{"name":"source","type":`)
		w.source(src)
		w.raw(`},{"name":"transaction","type":["null",` + transactionBlock + `],"default":null},`)
		w.raw(`{"name":"message","type":{"type":"record","name":"Message","fields":[{"name":"prefix","type":["null","string"],"default":null},`)
		w.raw(`{"name":"content","type":["null","` + content.String() + `"],"default":null}],"connect.version":1,"connect.name":`)
		w.str(w.namespace + ".Message").raw(`}}`)
	})
}

// SchemaChangeKeySchema is the Avro schema of the schema-change topic's keys.
func SchemaChangeKeySchema(src *Source) string {
	return ownRecord(src, "SchemaChangeKey", func(w *avroWriter) {
		w.raw(`{"name":"databaseName","type":"string"}`)
	})
}

// SchemaChangeValueSchema is the Avro schema of the schema-change topic's values.
func SchemaChangeValueSchema(src *Source) string {
	return ownRecord(src, "SchemaChangeValue", func(w *avroWriter) {
		w.raw(`{"name":"source","type":`)
		w.source(src)
		w.raw(`},{"name":"ts_ms","type":"long"}`)
		for _, name := range [...]string{"databaseName", "schemaName", "ddl"} {
			w.raw(`,{"name":"` + name + `","type":["null","string"],"default":null}`)
		}
		w.raw(`,{"name":"tableChanges","type":{"type":"array","items":` + tableChange + `}}`)
	})
}

const tableChange = `{"type":"record","name":"Change","namespace":"io.debezium.connector.schema","fields":[` +
	`{"name":"type","type":"string"},{"name":"id","type":"string"},{"name":"table","type":["null",{"type":"record","name":"Table","fields":[` +
	`{"name":"defaultCharsetName","type":["null","string"],"default":null},` +
	`{"name":"primaryKeyColumnNames","type":["null",{"type":"array","items":"string"}],"default":null},` +
	`{"name":"columns","type":{"type":"array","items":` + tableColumn + `}},{"name":"comment","type":["null","string"],"default":null}],` +
	`"connect.version":1,"connect.name":"io.debezium.connector.schema.Table"}],"default":null}],` +
	`"connect.version":1,"connect.name":"io.debezium.connector.schema.Change"}`

const tableColumn = `{"type":"record","name":"Column","fields":[{"name":"name","type":"string"},{"name":"jdbcType","type":"int"},` +
	`{"name":"nativeType","type":["null","int"],"default":null},{"name":"typeName","type":"string"},` +
	`{"name":"typeExpression","type":["null","string"],"default":null},{"name":"charsetName","type":["null","string"],"default":null},` +
	`{"name":"length","type":["null","int"],"default":null},{"name":"scale","type":["null","int"],"default":null},{"name":"position","type":"int"},` +
	`{"name":"optional","type":["null","boolean"],"default":null},{"name":"autoIncremented","type":["null","boolean"],"default":null},` +
	`{"name":"generated","type":["null","boolean"],"default":null},{"name":"comment","type":["null","string"],"default":null},` +
	`{"name":"defaultValueExpression","type":["null","string"],"default":null},{"name":"enumValues","type":["null",{"type":"array","items":"string"}],"default":null}],` +
	`"connect.version":1,"connect.name":"io.debezium.connector.schema.Column"}`

// ownRecord is a record in the namespace of the connector's source block.
func ownRecord(src *Source, name string, fields func(*avroWriter)) string {
	namespace, _ := splitName(src.Name)
	w := &avroWriter{namespace: namespace, seen: map[string]bool{}}
	w.raw(`{"type":"record","name":`).str(name).raw(`,"namespace":`).str(namespace).raw(`,"fields":[`)
	fields(w)
	w.raw(`],"connect.version":1,"connect.name":`).str(namespace + "." + name).raw(`}`)
	return string(w.out)
}
