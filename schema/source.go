package schema

// Source is the schema of an envelope's source block. The part that all connectors share (version,
// connector, name, ts_ms, snapshot, db, sequence, ts_us, ts_ns) comes first and is not listed in Fields.
type Source struct {
	Name   string  // "io.debezium.connector.postgresql.Source"
	Fields []Field // the connector's own fields, after the shared ones
}
