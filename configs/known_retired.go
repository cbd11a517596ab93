package configs

var connectKeys, connectorKeys, debeziumCommonKeys, debeziumPostgresKeys, debeziumSnapshotKeys, converterKeys, producerKeys, otherConnectorKeys, retiredKeys []KnownKey
