// Package convert turns records that the encoders wrote as Avro into the other forms that a topic can have:
// JSON as Kafka Connect's JsonConverter writes it, with and without its schema, plain text, and parts of an
// envelope, of which flattened rows and outbox messages are made.
//
// A reader knows one encoding, Avro. What a format needs is compiled once from the Avro schema's text, with
// the connect.* properties that Confluent's AvroData leaves in it, and then run over every record. The
// programs append to the caller's buffer, borrow their input until they return and allocate nothing but the
// buffer's growth. They are read only after they are made, and safe for concurrent use; a Picker's result is
// its caller's.
package convert
