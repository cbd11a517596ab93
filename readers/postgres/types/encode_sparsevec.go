package types

import (
	"bytes"
	"math"

	"rdip/envelope"
	"rdip/schema"
)

// mapEntryName is the record as which Confluent's AvroData writes one entry of a map whose keys are no strings.
const mapEntryName = "io.confluent.connect.avro.MapEntry"

// sparseVectorForm is Debezium's SparseDoubleVector: the dimensions, and a map from int16 to float64.
func sparseVectorForm() Form {
	int16 := schema.Type{Kind: schema.Int, ConnectType: "int16"}
	entry := schema.Type{Kind: schema.Record, Name: mapEntryName, Fields: []schema.Field{
		{Name: "key", Type: int16}, {Name: "value", Type: schema.Plain(schema.Double)}}}
	return Form{
		Type: schema.Type{Kind: schema.Record, Name: "io.debezium.data.SparseDoubleVector", Version: 1, Doc: "Sparse double vector",
			Fields: []schema.Field{{Name: "dimensions", Type: int16},
				{Name: "vector", Type: schema.Type{Kind: schema.Array, Items: &entry, ItemsRequired: true}}}},
		Encode: encodeSparseVector,
		zero:   "{}/0",
	}
}

// encodeSparseVector takes pgvector's {1:1.5,3:2}/5. Indexes and dimensions above 32767, which Debezium's int16
// cannot hold, are refused.
func encodeSparseVector(dst, wire []byte) ([]byte, error) {
	entries, dimensions, ok := bytes.Cut(wire, []byte("}/"))
	if !ok || len(entries) == 0 || entries[0] != '{' {
		return dst, malformed("a sparsevec")
	}
	entries = entries[1:]
	dst, err := appendInt16(dst, dimensions)
	if err != nil {
		return dst, err
	}
	if len(entries) == 0 {
		return append(dst, 0), nil
	}
	dst = envelope.AppendLong(dst, int64(bytes.Count(entries, []byte{','})+1))
	for more := true; more; {
		var entry []byte
		entry, entries, more = bytes.Cut(entries, []byte{','})
		index, value, ok := bytes.Cut(entry, []byte{':'})
		if !ok {
			return dst, malformed("a sparsevec")
		}
		if dst, err = appendInt16(dst, index); err != nil {
			return dst, err
		}
		if dst, err = encodeFloat8(dst, value); err != nil {
			return dst, malformed("a sparsevec")
		}
	}
	return append(dst, 0), nil
}

var errSparseRange = unholdable("a sparsevec with an index or dimensions above 32767, which its schema (int16, as Debezium's) cannot hold",
	"change the row, or take the table out of table.include.list")

func appendInt16(dst, digits []byte) ([]byte, error) {
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return dst, malformed("a sparsevec")
		}
		if n = 10*n + int64(c-'0'); n > math.MaxInt16 {
			return dst, errSparseRange
		}
	}
	if len(digits) == 0 {
		return dst, malformed("a sparsevec")
	}
	return envelope.AppendLong(dst, n), nil
}
