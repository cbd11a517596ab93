// Package postgres reads PostgreSQL 14 to 18: a consistent snapshot over COPY, then the log over logical
// replication with pgoutput, both as text through the same compiled column encoders, so that a row has the
// same bytes from either (G10).
//
// The way of a row: frame.go cuts the server's messages out of a large buffer, pgoutput.go and tuple.go find
// its columns in there, and an envelope.Layout made by catalog.go and layout.go turns each into Avro with
// the encoder that types.go chose for it when the table was announced.
package postgres
