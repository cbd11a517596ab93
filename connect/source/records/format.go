package records

import (
	"context"
	"encoding/binary"

	"rdip/envelope/convert"
	"rdip/internal/fault"
)

// FormatKind is what bytes a key or a value is written in.
type FormatKind string

// The formats, each by the name that a configuration has for it.
const (
	FormatAvro   FormatKind = "avro"   // Confluent-framed Avro, its schema in the registry
	FormatJSON   FormatKind = "json"   // as Kafka Connect's JsonConverter
	FormatString FormatKind = "string" // a single value as text: Connect's StringConverter
	FormatBytes  FormatKind = "bytes"  // a single value as it is: Connect's ByteArrayConverter
)

// Format is how all keys, or all values, of a connector are written. The zero value is Avro.
type Format struct {
	Kind FormatKind
	JSON convert.JSONOptions // of FormatJSON
}

// IsAvro says whether schemas of this side go to the registry.
func (f Format) IsAvro() bool { return f.Kind == FormatAvro || f.Kind == "" }

// writesNull says whether a null that stands alone and has a schema is bytes, and not Kafka's null: JsonConverter writes
// the JSON null, with its schema where they are enabled (JsonConverter.fromConnectData).
func (f Format) writesNull() bool { return f.Kind == FormatJSON }

// Writer writes the keys, or the values, of one schema. It serves one goroutine.
type Writer struct {
	frame   [frameBytes]byte
	program *convert.Program // nil for Avro
}

// frameBytes is Confluent's wire format before the Avro: a zero byte, and the schema's id in four, big-endian.
const frameBytes = 5

// Registrar turns schemas into the registry's ids. ID blocks while the registry is away, and ends with ctx;
// a permanent error means that the registry refuses the schema for good. Safe for concurrent use.
type Registrar interface {
	ID(ctx context.Context, subject, schemaJSON string) (int32, error)
}

// Formats are those of a connector's two sides.
type Formats struct {
	Keys, Values Format
	Registrar    Registrar // not used where neither is Avro
}

// writer readies a format for the Avro schema: it is registered under the subject, or compiled into a program.
// It blocks while the registry is away, and ends with ctx; a permanent error stops what needs the schema.
func (o *Formats) writer(ctx context.Context, f Format, subject, schema string) (Writer, error) {
	var w Writer
	if f.IsAvro() {
		id, err := o.Registrar.ID(ctx, subject, schema)
		binary.BigEndian.PutUint32(w.frame[1:], uint32(id))
		return w, err
	}
	var err error
	if f.Kind == FormatJSON {
		w.program, err = convert.JSON(schema, f.JSON)
	} else {
		w.program, err = convert.Text(schema)
	}
	if err != nil {
		return w, &fault.Error{Op: "write " + subject + " as", Object: string(f.Kind), Cause: err, Permanent: true,
			Hint: "key.converter and value.converter: avro or json; string and bytes are for outbox messages and keys of one column that a transform makes"}
	}
	return w, nil
}

// Begin appends what stands before the Avro.
func (w *Writer) Begin(dst []byte) []byte { return append(dst, w.frame[:]...) }

// ID is the registry's id of the schema, 0 for other formats than Avro.
func (w *Writer) ID() int32 { return int32(binary.BigEndian.Uint32(w.frame[1:])) }

// Finish turns what lies in the arena from a place on, a frame and Avro, into the format. It allocates nothing but
// the arena's growth: the format is written behind the Avro, and then moved to where that began. With an error the
// arena ends at that place.
func (w *Writer) Finish(arena []byte, from int) ([]byte, error) {
	if w.program == nil {
		return arena, nil
	}
	out, err := w.program.Append(arena, arena[from+frameBytes:])
	if err != nil {
		return arena[:from], &fault.Error{Op: "convert", Cause: err, Permanent: true, Hint: "this is a bug in rdip: please report it"}
	}
	return out[:from+copy(out[from:], out[len(arena):])], nil
}
