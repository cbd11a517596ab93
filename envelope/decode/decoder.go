package decode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"rdip/internal/fault"
)

// Fetch gives the schema with an id, Avro as JSON, as schema/client's SchemaByID does.
type Fetch func(ctx context.Context, id int32) (string, error)

// ErrFrame is in the chain of the error of a payload that is not Confluent's: 0, four bytes of a schema's
// id, Avro.
var ErrFrame = errors.New("it is not Confluent-framed Avro")

// frame is how many bytes come before the Avro.
const frame = 5

// Decoder decodes payloads, each by the schema it names. It keeps every schema that it has met, and is safe
// for concurrent use.
type Decoder struct {
	fetch Fetch

	mu      sync.Mutex
	schemas map[int32]*Type
}

// New makes a Decoder that asks fetch for each schema once.
func New(fetch Fetch) *Decoder {
	return &Decoder{fetch: fetch, schemas: map[int32]*Type{}}
}

// SchemaID is the id that a payload names.
func SchemaID(payload []byte) (int32, error) {
	if len(payload) < frame {
		return 0, fmt.Errorf("%w: it has %d bytes, needed are at least %d", ErrFrame, len(payload), frame)
	}
	if payload[0] != 0 {
		return 0, fmt.Errorf("%w: its first byte is 0x%02x, needed is 0x00", ErrFrame, payload[0])
	}
	return int32(binary.BigEndian.Uint32(payload[1:])), nil
}

// Decode reads a whole payload, framed Avro or JSON; a nil one is Kafka's null. The value borrows payload. The error of a payload
// that does not decode is permanent, that of a registry which does not answer is its own.
func (d *Decoder) Decode(ctx context.Context, payload []byte) (Value, error) {
	if payload == nil {
		return Value{Type: nullType}, nil
	}
	if IsJSON(payload) {
		return DecodeJSON(payload)
	}
	id, err := SchemaID(payload)
	if err != nil {
		return Value{}, &fault.Error{Op: "decode payload", Cause: err, Hint: "--format raw shows it as it is", Permanent: true}
	}
	t, err := d.Schema(ctx, id)
	if err != nil {
		return Value{}, err
	}
	v, err := t.Decode(payload[frame:])
	if err != nil {
		return Value{}, &fault.Error{Op: "decode payload", Object: fmt.Sprintf("of schema id %d", id), Cause: err, Permanent: true,
			Hint: "look whether schema.registry.url is the registry that it was written with; --format raw shows it as it is"}
	}
	return v, nil
}

// Schema is the schema with the id. Two callers that ask for a new one at once may both fetch it.
func (d *Decoder) Schema(ctx context.Context, id int32) (*Type, error) {
	d.mu.Lock()
	t, ok := d.schemas[id]
	d.mu.Unlock()
	if ok {
		return t, nil
	}
	text, err := d.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	if t, err = Parse(text); err != nil {
		return nil, &fault.Error{Op: "read schema", Object: fmt.Sprintf("id %d", id), Cause: err, Permanent: true,
			Hint: "look whether it is Avro: rdip reads no other kind"}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.schemas[id] = t
	return t, nil
}

// IsPayload says whether an error is of one payload, so that the next one may well decode.
func IsPayload(err error) bool {
	return errors.Is(err, ErrFrame) || errors.Is(err, ErrShort) || errors.Is(err, ErrTrailing) || errors.Is(err, ErrCorrupt)
}
