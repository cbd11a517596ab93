"""Drives a schema registry with Confluent's own Python client and serializer, and prints what happened
as one JSON object. Usage: confluent_client.py URL"""
import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

V1 = '{"type":"record","name":"V","fields":[{"name":"id","type":"int"}]}'
V2 = '{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"city","type":"string","default":"x"}]}'
BAD = '{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"zip","type":"string"}]}'
out = {}


def refusal(what):
    try:
        what()
        return None
    except SchemaRegistryError as e:
        return [e.http_status_code, e.error_code, e.error_message]


client = SchemaRegistryClient({"url": sys.argv[1]})
first = client.register_schema("t-value", Schema(V1, "AVRO"))
out["same_id"] = client.register_schema("u-value", Schema(V1, "AVRO")) == first
out["found"] = client.lookup_schema("t-value", Schema(V1, "AVRO")).version
out["by_id"] = json.loads(client.get_schema(first).schema_str) == json.loads(V1)
client.set_compatibility("t-value", "BACKWARD")
out["level"] = client.get_compatibility("t-value")
out["compatible"] = client.test_compatibility("t-value", Schema(V2, "AVRO"))
out["incompatible"] = client.test_compatibility("t-value", Schema(BAD, "AVRO"))
out["refused"] = refusal(lambda: client.register_schema("t-value", Schema(BAD, "AVRO")))
out["invalid"] = refusal(lambda: client.register_schema("t-value", Schema('{"type":"money"}', "AVRO")))
out["missing"] = refusal(lambda: client.get_latest_version("none"))

at = SerializationContext("t", MessageField.VALUE)
old = AvroSerializer(client, V1)({"id": 7}, at)
new = AvroSerializer(client, V2)({"id": 8, "city": "Ulm"}, at)
read = AvroDeserializer(client, V2)
out["read"] = [read(old, at), read(new, at)]

out["versions"] = client.get_versions("t-value")
out["latest"] = client.get_latest_version("t-value").version
out["subjects"] = sorted(client.get_subjects())
out["deleted"] = client.delete_subject("u-value")
out["subjects_after"] = sorted(client.get_subjects())
print(json.dumps(out))
