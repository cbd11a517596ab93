"""Reads topics to their present end, the way a Confluent client does: librdkafka, Confluent's Avro
deserializer, schemas by id from the registry. One JSON request on standard input, one JSON line a
record on standard output. Bytes are base64, decimals are strings, NaN and infinities are strings."""

import base64
import decimal
import datetime
import json
import math
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition, OFFSET_BEGINNING
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def plain(value):
    """The value in terms that JSON has."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, (datetime.date, datetime.time, datetime.datetime, datetime.timedelta)):
        return str(value)
    return value


def decoders(request):
    """Functions (topic, bytes) to value, for keys and for values."""
    if request["format"] == "raw":
        return (lambda topic, data: data,) * 2
    if request["format"] == "json":
        return (lambda topic, data: None if data is None else json.loads(data),) * 2
    registry = SchemaRegistryClient({"url": request["registry"], **request["registry_config"]})
    avro = AvroDeserializer(registry)

    def decoder(field):
        return lambda topic, data: avro(data, SerializationContext(topic, field))

    return decoder(MessageField.KEY), decoder(MessageField.VALUE)


def schema_id(data):
    """The id in Confluent's wire format: a zero byte and four of the id, big-endian."""
    if data is None or len(data) < 5 or data[0] != 0:
        return 0
    return int.from_bytes(data[1:5], "big")


def line(message, request, decode_key, decode_value):
    key, value = message.key(), message.value()
    avro = request["format"] == "avro"
    decoded = plain(decode_value(message.topic(), value))
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp_ms": message.timestamp()[1],
        "headers": [{"key": k, "value": plain(v)} for k, v in message.headers() or []],
        "key": plain(decode_key(message.topic(), key)),
        "value": decoded,
        "key_bytes": plain(key),
        "value_bytes": plain(value),
        "key_schema_id": schema_id(key) if avro else 0,
        "value_schema_id": schema_id(value) if avro else 0,
        "op": decoded.get("op") or "" if isinstance(decoded, dict) else "",
        "tombstone": value is None,
    }


def partitions(consumer, topics):
    found = []
    for topic in topics:
        metadata = consumer.list_topics(topic, timeout=30).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        found += [TopicPartition(topic, p, OFFSET_BEGINNING) for p in sorted(metadata.partitions)]
    return found


def main():
    request = json.load(sys.stdin)
    decode_key, decode_value = decoders(request)
    consumer = Consumer({
        "group.id": "rdip-foreign",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        **request["kafka_config"],
        "bootstrap.servers": request["bootstrap"],
    })
    try:
        left = partitions(consumer, request["topics"])
        consumer.assign(left)
        open_partitions = {(p.topic, p.partition) for p in left}
        deadline = time.monotonic() + request["timeout_s"]
        while open_partitions:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the end of {sorted(open_partitions)} was not reached")
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error() is None:
                json.dump(line(message, request, decode_key, decode_value), sys.stdout)
                sys.stdout.write("\n")
            elif message.error().code() == KafkaError._PARTITION_EOF:
                open_partitions.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(message.error())
    finally:
        consumer.close()


main()
