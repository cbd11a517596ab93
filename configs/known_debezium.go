package configs

const ofDebezium = "Debezium"

const (
	memoryInstead = "what is held at once is bounded in bytes by memory.budget"
)

// debeziumCommonKeys are those that every relational connector of Debezium has: CommonConnectorConfig,
// RelationalDatabaseConnectorConfig, Heartbeat, AbstractTopicNamingStrategy, OpenLineageConfig (3.6).
var debeziumCommonKeys = knownPart(ofDebezium, false,
	supported("topic.prefix", "tombstones.on.delete", "skipped.operations", "heartbeat.interval.ms", "heartbeat.action.query",
		"schema.include.list", "schema.exclude.list", "table.include.list", "table.exclude.list", "extended.headers.enabled"),
	noEffect(memoryInstead, "memory.management.schemas.class", "memory.management.tables.class"),
	noEffect(memoryInstead, "max.queue.size", "max.batch.size", "max.queue.size.in.bytes", "queue.provider.type"),
	noEffect("events are sent as they arrive; nothing polls", "poll.interval.ms", "poll.dispatch.interval.ms"),
	noEffect("transient failures are retried with growing pauses for as long as they last", "errors.max.retries", "retriable.restart.connector.wait.ms"),
	supported("decimal.handling.mode", "time.precision.mode", "binary.handling.mode", "unavailable.value.placeholder"),
	fixed(values("false"), "it would change the schemas", "include.schema.comments"),
	supported("column.include.list", "column.exclude.list", "column.mask.*", "column.truncate.*", "column.propagate.source.type", "datatype.propagate.source.type",
		"message.key.columns", "skip.messages.without.change", "topic.naming.strategy", "topic.delimiter"),
	fixed(values("true"), "system tables are never captured", "table.ignore.builtin"),
	supported("provide.transaction.metadata", "topic.transaction", "topic.heartbeat.prefix", "topic.heartbeat.name"),
	noEffect("the transaction's id is Debezium's own", "transaction.metadata.factory"),
	noEffect("names that Avro cannot hold are always escaped, reversibly", "schema.name.adjustment.mode", "field.name.adjustment.mode"),
	noEffect("the names of topics are made once a table", "topic.cache.size"),
	noEffect("Debezium itself reads topic.heartbeat.prefix in its place", "heartbeat.topics.prefix"),
	refused("names of topics are not rewritten beyond Kafka's own rules", "", "custom.sanitize.pattern"),
	fixed(values("fail"), "an event that cannot be captured stops its table; it is never dropped", "event.processing.failure.handling.mode", "event.converting.failure.handling.mode"),
	fixed(values(""), "custom converters are Java classes", "converters"),
	fixed(values(""), "post processors are Java classes", "post.processors"),
	noEffect("the source block is Debezium's", "sourceinfo.struct.maker"),
	supported("signal.enabled.channels", "signal.data.collection", "signal.kafka.topic", "signal.kafka.bootstrap.servers"),
	refused("the channel file is not read", "use signal.enabled.channels: source,kafka, or rdip snapshot", "signal.file"),
	noEffect("signals are taken as they arrive; where the topic was read to is stored with the position", "signal.poll.interval.ms", "signal.kafka.poll.timeout.ms", "signal.kafka.groupId"),
	noEffect("the signal topic is read over the worker's own connections to Kafka", "signal.consumer.*"),
	noEffect("watermarks are not written to the signal table", "signal.emit.failure.max.retries", "signal.emit.failure.backoff.ms"),
	fixed(values(""), "notifications are not sent; status and metrics have what they say", "notification.enabled.channels"),
	noEffect("notifications are not sent", "notification.sink.topic.name"),
	noEffect("metrics have the labels of docs/METRICS.md", "custom.metric.tags", "statistics.metrics.enabled"),
	fixed(values("0", "-1"), "there is no limit on the number of tables", "guardrail.collections.max"),
	noEffect("there is no limit on the number of tables", "guardrail.collections.limit.action"),
	fixed(values("false"), "lineage is not sent", "openlineage.integration.enabled"),
	noEffect("lineage is not sent", "openlineage.integration.*"),
	noEffect("connections are watched by their own deadlines", "connection.validation.timeout.ms", "database.query.timeout.ms"),
	refused("it is named otherwise", "rename it to task.shutdown.graceful.timeout.ms, at the top level", "executor.shutdown.timeout.ms"),
	refused("it is named otherwise", "rename it to database.connect.timeout.ms", "database.connection.timeout.ms"),
	refused("sessions are set up in one way, which the types depend on", "ALTER ROLE ... SET for what else a session needs", "database.initial.statements"),
	refused("there is no JDBC driver", "", "database.connection.factory.class", "driver.*"),
)

// debeziumSnapshotKeys are those of the snapshot.
var debeziumSnapshotKeys = knownPart(ofDebezium+" (snapshot)", false,
	supported("snapshot.mode", "snapshot.max.threads", "snapshot.lock.timeout.ms", "snapshot.delay.ms", "streaming.delay.ms", "snapshot.tables.order.by.row.count",
		"snapshot.include.collection.list", "snapshot.select.statement.overrides", "snapshot.select.statement.overrides.*"),
	noEffect("rows are streamed by COPY, bounded by memory.budget", "snapshot.fetch.size", "query.fetch.size"),
	noEffect("tables are cut into parts by their size", "snapshot.max.threads.multiplier", "legacy.snapshot.max.threads", "internal.legacy.snapshot.max.threads"),
	fixed(values("select_all"), "a table is copied whole, or by its statement of snapshot.select.statement.overrides", "snapshot.query.mode"),
	noEffect("custom modes are Java classes and are refused", "snapshot.mode.custom.name", "snapshot.locking.mode.custom.name", "snapshot.query.mode.custom.name"),
	refused("the mode configuration_based is not built", "use snapshot.mode: initial, no_data or always", "snapshot.mode.configuration.based.*"),
	noEffect("parts are cut by their size on disk, incremental.snapshot.chunk.bytes, and a table may change meanwhile", "incremental.snapshot.chunk.size", "incremental.snapshot.allow.schema.changes", "incremental.snapshot.watermarking.strategy"),
)
