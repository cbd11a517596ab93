package configs

import (
	"maps"
	"slices"
)

// debeziumPostgresKeys are those of Debezium's PostgresConnectorConfig (3.6).
var debeziumPostgresKeys = knownPart("Debezium's PostgreSQL connector", false,
	supported("database.hostname", "database.port", "database.user", "database.password", "database.dbname",
		"database.sslmode", "database.sslrootcert", "database.sslcert", "database.sslkey", "database.sslpassword", "database.tcpKeepAlive",
		"slot.name", "slot.max.retries", "slot.retry.delay.ms", "status.update.interval.ms",
		"publication.name", "publication.autocreate.mode", "publish.via.partition.root"),
	fixed(values("pgoutput"), "pgoutput is built into PostgreSQL; other plugins are not read", "plugin.name"),
	supported("interval.handling.mode", "hstore.handling.mode", "money.fraction.digits", "include.unknown.datatypes"),
	noEffect("the copy reads one exported snapshot, under REPEATABLE READ", "snapshot.isolation.mode"),
	fixed(values("none"), "the copy takes ACCESS SHARE locks only", "snapshot.locking.mode"),
	noEffect("the log's own description of a table is used at once", "schema.refresh.mode"),
	fixed(values("false"), "a slot is never dropped: it may hold what was not read yet", "slot.drop.on.stop"),
	supported("slot.failover", "slot.stream.params", "offset.mismatch.strategy", "replica.identity.autoset.values", "xmin.fetch.interval.ms"),
	supported("message.prefix.include.list", "message.prefix.exclude.list"),
	fixed(values("true"), "the slot advances when Kafka has the events and the position is stored", "flush.lsn.source"),
	fixed(values("connector"), "the slot advances when Kafka has the events and the position is stored", "lsn.flush.mode"),
	noEffect("it tunes the inside of Debezium", "internal.advanced.metrics.enable", "internal.log.position.check.enable", "internal.create.slot.command.timeout",
		"internal.slot.seek.to.known.offset.on.start", "internal.snapshot.scan.all.columns.force", "internal.custom.retriable.exception"),
	noEffect("the server is told what is durable without waiting for it", "lsn.flush.timeout.ms", "lsn.flush.timeout.action"),
	noEffect("a standby is noticed by itself", "read.only"),
	refused("there is no JDBC driver", "database.sslrootcert and database.sslmode say whom to trust", "database.sslfactory"),
	noEffect("Debezium's PostgreSQL connector writes no schema changes; ddl.capture does", "include.schema.changes"),
)

// otherConnectorKeys are those of Debezium's connectors for other databases.
var otherConnectorKeys = knownPart("Debezium's connectors for other databases", false,
	refused("a PostgreSQL connector captures one database", "database.dbname: NAME", "database.include.list", "database.exclude.list", "database.names"),
	refused("it belongs to another class of connector", "", "database.server.id", "database.server.id.offset", "database.instance", "database.connection.adapter",
		"database.pdb.name", "gtid.source.includes", "gtid.source.excludes", "include.query", "event.deserialization.failure.handling.mode",
		"inconsistent.schema.handling.mode", "bigint.unsigned.handling.mode", "enable.time.adjuster", "connect.timeout.ms", "connect.keep.alive",
		"mongodb.connection.string", "mongodb.user", "mongodb.password", "capture.mode"),
	noEffect("PostgreSQL's log describes its own tables", "schema.history.internal", "schema.history.internal.*"),
)

// renamedKeys are names that Debezium itself has given up for others that mean the same.
var renamedKeys = map[string]string{
	"database.server.name":      "topic.prefix",
	"table.whitelist":           "table.include.list",
	"table.blacklist":           "table.exclude.list",
	"schema.whitelist":          "schema.include.list",
	"schema.blacklist":          "schema.exclude.list",
	"column.whitelist":          "column.include.list",
	"column.blacklist":          "column.exclude.list",
	"slot.drop_on_stop":         "slot.drop.on.stop",
	"toasted.value.placeholder": "unavailable.value.placeholder",
}

// Renamed is the name that took an old key's place with the same meaning, "" for other keys.
func Renamed(old string) string { return renamedKeys[old] }

// retiredKeys are names that Debezium itself has given up, with what took their place.
var retiredKeys = func() []KnownKey {
	const of = "an old Debezium"
	keys := knownPart(of, false,
		refused("its place was taken by field.name.adjustment.mode", "rename it to field.name.adjustment.mode", "sanitize.field.names"),
		refused("its place was taken by table.include.list", "rename it to table.include.list", "snapshot.new.tables"),
		noEffect("PostgreSQL's log describes its own tables", "database.history", "database.history.*"),
		refused("there is one form of the source block", "remove it", "source.struct.version"))
	for _, old := range slices.Sorted(maps.Keys(renamedKeys)) {
		now := renamedKeys[old]
		keys = append(keys, KnownKey{Name: old, Of: of, Fate: Refused, Why: "its place was taken by " + now, Fix: "rename it to " + now})
	}
	return keys
}()
