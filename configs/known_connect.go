package configs

const (
	ofWorker    = "Kafka Connect's worker"
	ofConnector = "Kafka Connect's connectors"
)

// connectKeys are those of Kafka Connect's WorkerConfig, StandaloneConfig, DistributedConfig and
// RestServerConfig.
var connectKeys = knownPart(ofWorker, true,
	supported("bootstrap.servers", "offset.flush.interval.ms", "task.shutdown.graceful.timeout.ms", "key.converter", "value.converter"),
	fixed(values("org.apache.kafka.connect.storage.SimpleHeaderConverter"), "headers are written as this converter writes them", "header.converter"),
	refused("workers do not form groups: one process runs the connectors of its file", "remove group.id, and run one process for each file", "group.id"),
	noEffect("configurations and status are kept in state.dir, not in topics", "config.storage.*", "status.storage.*"),
	supported("offset.storage.topic", "offset.storage.partitions", "offset.storage.replication.factor", "exactly.once.source.support"),
	noEffect("the topic of positions is made compacted, with the brokers' defaults for the rest", "offset.storage.*"),
	refused("positions are kept in a folder", "state.dir: /var/lib/rdip", "offset.storage.file.filename"),
	noEffect("a position is stored when it is safe; nothing waits for a flush", "offset.flush.timeout.ms"),
	noEffect("there are no plugins: every converter is in the binary", "key.converter.plugin.version", "value.converter.plugin.version", "header.converter.plugin.version"),
	noEffect("there are no plugins: every connector is in the binary", "plugin.path", "plugin.discovery", "connector.client.config.override.policy"),
	noEffect("the providers env and file are always there: ${env:NAME}, ${file:PATH}, ${file:PATH:KEY}", "config.providers", "config.providers.*"),
	noEffect("workers do not form groups", "session.timeout.ms", "heartbeat.interval.ms", "rebalance.timeout.ms", "worker.sync.timeout.ms",
		"worker.unsync.backoff.ms", "connect.protocol", "scheduled.rebalance.max.delay.ms", "inter.worker.*", "metadata.recovery.strategy", "metadata.recovery.rebootstrap.trigger.ms",
		"rest.advertised.host.name", "rest.advertised.port", "rest.advertised.listener"),
	noEffect("metrics are Prometheus's, under /metrics", "metrics.sample.window.ms", "metrics.num.samples", "metrics.recording.level", "metric.reporters", "metrics.context.*"),
	noEffect("the topics of a connector are always listed", "topic.tracking.enable", "topic.tracking.allow.reset"),
	fixed(values("true"), "topics are made by rdip with the settings topic.creation.default.*", "topic.creation.enable"),
	noEffect("the REST API is on loopback, without TLS", "ssl.client.auth"),
	refused("the address of the REST API is given without a scheme", "rest.listeners: 127.0.0.1:8083", "listeners", "rest.host.name", "rest.port"),
	refused("the REST API is on loopback, and without extensions", "", "admin.listeners", "admin.listeners.https.*", "rest.extension.classes",
		"access.control.allow.origin", "access.control.allow.methods", "response.http.headers.config", "listeners.https.*"),
	refused("the producer's settings stand at the top level without the prefix", "write it without producer.", "producer.*"),
	noEffect("nothing is consumed", "consumer.*"),
	noEffect("topics are made with the producer's connection", "admin.*"),
	noEffect("workers keep nothing in topics", "internal.key.converter", "internal.key.converter.*", "internal.value.converter", "internal.value.converter.*"),
	refused("it names a secret of Kubernetes", "mount it as a file, and give ssl.ca.location", "spec.tls"),
	refused("it names a secret of Kubernetes", "mount it as a file, and give security.protocol, sasl.mechanism and sasl.jaas.config, or ssl.certificate.location and ssl.key.location", "spec.authentication"),
)

// connectorKeys are those of Kafka Connect's ConnectorConfig, SourceConnectorConfig, SinkConnectorConfig and
// TopicCreationConfig.
var connectorKeys = knownPart(ofConnector, false,
	supported("connector.class", "topic.creation.default.partitions", "topic.creation.default.replication.factor", "topic.creation.default.*",
		"key.converter", "value.converter", "transforms", "transforms.*", "predicates", "predicates.*"),
	noEffect("the connector's name is the key that it stands below", "name"),
	noEffect("there are no plugins: connectors and converters are in the binary", "connector.plugin.version",
		"key.converter.plugin.version", "value.converter.plugin.version", "header.converter.plugin.version"),
	noEffect("a connector is one task, as Debezium's are", "tasks.max", "tasks.max.enforce"),
	fixed(values("org.apache.kafka.connect.storage.SimpleHeaderConverter"), "headers are written as this converter writes them", "header.converter"),
	noEffect("a changed file is read at the next start", "config.action.reload"),
	noEffect("transient failures are retried with growing pauses for as long as they last", "errors.retry.timeout", "errors.retry.delay.max.ms"),
	supported("errors.tolerance", "errors.log.enable", "errors.deadletterqueue.topic.name", "errors.deadletterqueue.topic.replication.factor",
		"errors.deadletterqueue.context.headers.enable"),
	fixed(values("false"), "row data is never logged", "errors.log.include.messages"),
	fixed(values(""), "topics are made with topic.creation.default.* only", "topic.creation.groups"),
	refused("topics are made with topic.creation.default.* only", "", "topic.creation.*"),
	supported("exactly.once.support", "transaction.boundary", "transaction.boundary.interval.ms", "offsets.storage.topic"),
	noEffect("nothing is consumed", "consumer.override.*"),
	noEffect("topics are made with the producer's connection", "admin.override.*"),
	refused("all connectors of a process write to one Kafka cluster", "bootstrap.servers at the top level, and a process for each cluster", "producer.override.bootstrap.servers"),
	noEffect("metrics are Prometheus's, under /metrics", "producer.override.metric.reporters", "producer.override.metrics.*"),
	noEffect("brokers are found again through bootstrap.servers", "producer.override.metadata.recovery.*"),
	noEffect("the providers env and file are always there: ${env:NAME}, ${file:PATH}, ${file:PATH:KEY}", "producer.override.config.providers"),
	refused("this setting of Java's producer has no counterpart", "", "producer.override.*"),
	refused("it belongs to sink connectors, which are not built", "", "topics", "topics.regex"),
)
