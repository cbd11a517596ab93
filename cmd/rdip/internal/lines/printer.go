package lines

import (
	"context"
	"io"
	"strings"
	"time"

	"rdip/envelope/decode"
	"rdip/sinks/kafka/consume"
)

// Format is the form of a line.
type Format string

// The forms of a line.
const (
	Text Format = "text"
	JSON Format = "json"
	Raw  Format = "raw" // place, key and value in hexadecimal, separated by tabs; a null is "-"
)

// Printer writes records to Out. It belongs to one goroutine.
type Printer struct {
	Out     io.Writer
	Format  Format
	Colour  bool
	Decoder *decode.Decoder
	// Key, where not empty, leaves out records whose key, written as in a line of text, does not contain it.
	Key string
	// Tombstones says whether the null that follows a delete has a line of its own in text.
	Tombstones bool
	// Tally, where not nil, counts what was printed.
	Tally *Tally

	topics  map[string]*topic // by name
	table   width             // of the tables' names
	key     width             // of the keys
	records int
}

// topic is what was seen of one topic.
type topic struct {
	table   string
	schemas map[int32]bool
	last    *decode.Type // of the newest schema
	lastID  int32
}

// Records is how many records were printed.
func (p *Printer) Records() int { return p.records }

// decoded is a record with what its bytes say.
type decoded struct {
	consume.Record
	received time.Time
	key      decode.Value
	value    decode.Value
}

// Print writes one record that was received at the given time. The error of a record that does not decode is
// a permanent *fault.Error, and the next may be printed; others are of Out or of the registry.
func (p *Printer) Print(ctx context.Context, r consume.Record, received time.Time) error {
	if p.Format == Raw {
		return p.count(p.write(appendRaw(nil, &r)))
	}
	d := decoded{Record: r, received: received}
	var err error
	if d.key, err = p.Decoder.Decode(ctx, r.Key); err != nil {
		return at(&r, "key", err)
	}
	if d.value, err = p.Decoder.Decode(ctx, r.Value); err != nil {
		return at(&r, "value", err)
	}
	if p.Key != "" && !strings.Contains(keyText(&d.key), p.Key) {
		return nil
	}
	if p.Format == JSON {
		return p.count(p.write(appendJSON(nil, &d)))
	}
	return p.printText(ctx, &d)
}

// count adds a record, unless it could not be printed.
func (p *Printer) count(err error) error {
	if err == nil {
		p.records++
	}
	return err
}

func (p *Printer) write(line []byte) error {
	_, err := p.Out.Write(append(line, '\n'))
	return err
}

// of is what is known of a topic.
func (p *Printer) of(name string) *topic {
	if p.topics == nil {
		p.topics = map[string]*topic{}
	}
	t := p.topics[name]
	if t == nil {
		t = &topic{table: name, schemas: map[int32]bool{}}
		p.topics[name] = t
	}
	return t
}
