// Package foreign reads topics with clients that share no code with rdip: Confluent's Python client
// with its Avro deserializer, and kcat.
package foreign

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
)

//go:embed consume.py
var consumeScript string

// defaultTimeout bounds a Request that sets no Timeout.
const defaultTimeout = 60 * time.Second

// Format says how keys and values are decoded.
type Format string

// The formats that records may have.
const (
	Avro Format = "avro" // Confluent's wire format, schemas from the registry
	JSON Format = "json"
	Raw  Format = "raw" // not at all
)

// Request says what to read: whole topics, from their beginning to the end they have now.
type Request struct {
	Bootstrap string
	Topics    []string
	Format    Format            // empty is Avro
	Registry  string            // URL of Confluent's API, for Avro
	Kafka     map[string]string // librdkafka's settings: security.protocol, sasl.mechanism, ssl.ca.location, ...
	Client    map[string]string // the registry client's settings: basic.auth.user.info, ssl.ca.location, ...
	Timeout   time.Duration
}

// Record is a record as the foreign client sees it. In Key and Value bytes are base64, decimals strings
// and NaN and infinities strings; they are JSON null when the record's are null.
type Record struct {
	Topic         string          `json:"topic"`
	Partition     int32           `json:"partition"`
	Offset        int64           `json:"offset"`
	TimestampMS   int64           `json:"timestamp_ms"`
	Headers       []Header        `json:"headers"`
	Key           json.RawMessage `json:"key"`
	Value         json.RawMessage `json:"value"`
	KeyBytes      []byte          `json:"key_bytes"`   // nil for null
	ValueBytes    []byte          `json:"value_bytes"` // nil for null
	KeySchemaID   int             `json:"key_schema_id"`
	ValueSchemaID int             `json:"value_schema_id"`
	Op            string          `json:"op"` // the envelope's, empty where there is none
	Tombstone     bool            `json:"tombstone"`
}

// Header is one header of a record; Value is nil for null.
type Header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Consume reads the topics. Records of one partition are in offset order. A record that the client
// cannot decode fails the whole call.
func Consume(ctx context.Context, r Request) ([]Record, error) {
	python, err := component.Python().Path()
	if err != nil {
		return nil, err
	}
	request, err := r.encode()
	if err != nil {
		return nil, err
	}
	out, err := process.Output(ctx, process.Command{Path: python, Args: []string{"-c", consumeScript}},
		bytes.NewReader(request))
	if err != nil {
		return nil, fmt.Errorf("consume %v: %w", r.Topics, err)
	}
	return decodeLines(out)
}

func (r Request) encode() ([]byte, error) {
	if r.Format == "" {
		r.Format = Avro
	}
	if r.Timeout == 0 {
		r.Timeout = defaultTimeout
	}
	return json.Marshal(map[string]any{
		"bootstrap": r.Bootstrap, "topics": r.Topics, "format": r.Format, "registry": r.Registry,
		"kafka_config": orEmpty(r.Kafka), "registry_config": orEmpty(r.Client),
		"timeout_s": r.Timeout.Seconds(),
	})
}

func decodeLines(out []byte) ([]Record, error) {
	var records []Record
	for lines := json.NewDecoder(bytes.NewReader(out)); lines.More(); {
		var r Record
		if err := lines.Decode(&r); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
