package configs

const (
	ofProducer  = "Kafka's producer"
	ofConverter = "Confluent's converters"
)

const javaStore = "key stores in Java's own formats are not read"

// producerKeys are those of Kafka's ProducerConfig, CommonClientConfigs, SaslConfigs and SslConfigs. They stand
// at the top level, and below producer.override. in a connector.
var producerKeys = knownPart(ofProducer, true,
	supported("acks", "compression.type", "linger.ms", "batch.size", "buffer.memory", "max.request.size", "request.timeout.ms",
		"metadata.max.age.ms", "client.id", "security.protocol", "sasl.mechanism", "sasl.jaas.config",
		"ssl.endpoint.identification.algorithm", "ssl.key.password"),
	refused("certificates are given as PEM files", "write \"ssl.ca.location: FILE.pem\"", "ssl.truststore.location", "ssl.truststore.certificates"),
	refused("certificates are given as PEM files", "write \"ssl.certificate.location: FILE.pem\" and \"ssl.key.location: FILE.pem\"",
		"ssl.keystore.location", "ssl.keystore.certificate.chain", "ssl.keystore.key"),
	fixed(values("true"), "the producer is always idempotent", "enable.idempotence"),
	noEffect("the order of a partition is kept across retries whatever is in flight", "max.in.flight.requests.per.connection"),
	noEffect("a record is retried until Kafka has it or the task stops", "retries", "delivery.timeout.ms", "retry.backoff.ms", "retry.backoff.max.ms"),
	noEffect("reading waits while the producer has no room", "max.block.ms"),
	noEffect("sockets are set by the operating system's defaults", "send.buffer.bytes", "receive.buffer.bytes", "connections.max.idle.ms",
		"socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms"),
	noEffect("connections are made again with growing pauses", "reconnect.backoff.ms", "reconnect.backoff.max.ms", "metadata.max.idle.ms"),
	noEffect("names are resolved by the operating system", "client.dns.lookup", "client.rack"),
	noEffect("metrics are Prometheus's, under /metrics", "enable.metrics.push"),
	noEffect("records are serialized by rdip", "key.serializer", "value.serializer"),
	noEffect("the codec's default level is used", "compression.gzip.level", "compression.lz4.level", "compression.zstd.level"),
	fixed(values("", "org.apache.kafka.clients.producer.internals.DefaultPartitioner"), "a key's partition is what Java's producer makes of it, by murmur2", "partitioner.class"),
	fixed(values("false"), "a key's partition is what Java's producer makes of it, by murmur2", "partitioner.ignore.keys"),
	noEffect("a table without a key keeps its order in one partition", "partitioner.adaptive.partitioning.enable", "partitioner.availability.timeout.ms"),
	fixed(values(""), "interceptors are Java classes", "interceptor.classes"),
	supported("transactional.id", "transaction.timeout.ms"),
	fixed(values("false"), "a transaction is committed or aborted by the producer that began it", "transaction.two.phase.commit.enable"),
	fixed(values("PEM"), javaStore, "ssl.truststore.type", "ssl.keystore.type"),
	refused(javaStore, "give a PEM file, which needs no password", "ssl.truststore.password", "ssl.keystore.password"),
	noEffect("TLS 1.2 and 1.3 are spoken with the secure suites", "ssl.protocol", "ssl.enabled.protocols", "ssl.cipher.suites"),
	refused("it names a Java class", "", "ssl.provider", "ssl.engine.factory.class", "ssl.keymanager.algorithm", "ssl.trustmanager.algorithm",
		"ssl.secure.random.implementation", "security.providers", "sasl.client.callback.handler.class", "sasl.login.callback.handler.class", "sasl.login.class"),
	refused("GSSAPI is not built", "use sasl.mechanism: SCRAM-SHA-512", "sasl.kerberos.*"),
	refused("OAUTHBEARER is not built", "use sasl.mechanism: SCRAM-SHA-512", "sasl.oauthbearer.*"),
	noEffect("logins do not expire with PLAIN and SCRAM", "sasl.login.*"),
)

// converterKeys are those of Confluent's AvroConverter and its registry client, which stand below
// key.converter. and value.converter., and of JSON's.
var converterKeys = func() []KnownKey {
	keys := knownPart(ofConverter, true, supported("schema.registry.url", "schema.registry.basic.auth.user.info"))
	for _, worker := range []bool{true, false} {
		for _, prefix := range []string{"key.converter.", "value.converter."} {
			for _, k := range converterSuffixes {
				k.Name, k.Of, k.Worker = prefix+k.Name, ofConverter, worker
				keys = append(keys, k)
			}
		}
	}
	return keys
}()

const topicNameStrategy = "io.confluent.kafka.serializers.subject.TopicNameStrategy"

var converterSuffixes = knownPart(ofConverter, false,
	refused("a process has one registry", "schema.registry.url at the top level", "schema.registry.url"),
	refused("a process has one registry", "schema.registry.basic.auth.user.info at the top level", "basic.auth.user.info", "schema.registry.basic.auth.user.info"),
	fixed(values("USER_INFO", "URL"), "the user is taken from the key or the URL", "basic.auth.credentials.source"),
	refused("bearer tokens for the registry are not built", "", "bearer.auth.*"),
	refused("the registry's TLS settings stand at the top level", "", "schema.registry.ssl.*"),
	fixed(values("true"), "schemas are always registered", "auto.register.schemas"),
	fixed(values("false"), "the schema of the record is used", "use.latest.version", "use.schema.id", "normalize.schemas"),
	refused("subjects are not put into a context of the registry", "", "context.name.strategy"),
	refused("the registry is reached directly", "", "proxy.host", "proxy.port"),
	fixed(values("false"), "schemas are made of the tables", "schema.reflection", "allow.optional.map.keys"),
	noEffect("the schema of the record is used", "latest.compatibility.strict", "id.compatibility.strict", "use.latest.with.metadata"),
	fixed(values(topicNameStrategy, "io.confluent.kafka.serializers.subject.strategy.TopicNameStrategy"), "subjects are TOPIC-key and TOPIC-value", "key.subject.name.strategy", "value.subject.name.strategy"),
	fixed(values("false"), "optional enums and names are written as AvroData writes them by default", "enhanced.avro.schema.support", "flatten.singleton.unions", "discard.type.doc.default"),
	fixed(values("true"), "consumers that read with Connect need it", "connect.meta.data"),
	noEffect("names that Avro cannot hold are always escaped, reversibly", "scrub.invalid.names"),
	noEffect("each schema is kept as long as its table is", "schemas.cache.config", "schemas.cache.size", "max.schemas.per.subject", "latest.cache.size", "latest.cache.ttl.sec"),
	noEffect("the registry is asked again with growing pauses", "max.retries", "retries.wait.ms", "retries.max.wait.ms", "http.connect.timeout.ms", "http.read.timeout.ms"),
	supported("schemas.enable", "decimal.format", "replace.null.with.default"),
	fixed(values("key", "value"), "the prefix says which converter it is", "converter.type"),
	refused("a schema is made of the table", "", "schema.content"),
	refused("this setting of the converter has no counterpart", "", "*"),
)
