// Package decode reads change events back: Confluent-framed Avro, decoded by the schema that it was written
// with, as rdip and Debezium with Confluent's AvroConverter write it; and the JSON of Kafka's JsonConverter.
//
// A Decoder fetches each schema once, by the id in the record. Decode gives the key and the value as trees
// of Values in the order of their schema; ChangeOf reads an envelope out of one; AppendJSON writes one as
// Kafka's JsonConverter would, without loss; Text writes one for people, dates as dates and decimals as
// decimals. Every byte of a payload is untrusted: lengths are checked, nesting and sizes bounded.
package decode
