package records

import (
	"context"
	"errors"
	"time"

	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/envelope/convert"
	"rdip/internal/fault"
	"rdip/schema"
	"rdip/sinks"
)

// flatShape writes rows alone, as Debezium's ExtractNewRecordState makes them of its envelopes.
type flatShape struct {
	Options
	o     *routing.FlatOptions
	plan  *routing.Plan
	x     *envelope.Encoder
	table string // schema.table

	picker   *convert.Picker
	parts    []convert.Part // what was picked from the event under way, in the order of the constants below
	fields   []int          // parts that are added to the row
	markers  []int          // of the added parts, those that are source.snapshot
	headers  []flatHeader
	envelope []byte

	own    *Topic // the table's own topic; nil until it is there
	routes routes // by the value of the column that says the topic
	key    string // the schemas of every route
	value  string
}

// flatHeader is a header that is taken from the envelope.
type flatHeader struct {
	name string
	part int
	isOp bool
}

// The parts that every flatShape picks.
const (
	flatBefore = iota
	flatAfter
	flatRouteBefore // the column that says the topic; the row once more where there is none
	flatRouteAfter
	flatAdded // and so on
)

// deletedField is what InsertField adds under delete.tombstone.handling.mode rewrite.
var deletedField = convert.Added{Name: "__deleted", Type: `"string"`}

func (f *flatShape) Prepare(ctx context.Context, x *envelope.Encoder, table string, own *Topic) error {
	f.x, f.table = x, table
	s, err := convert.ParseSchema(x.ValueSchema())
	if err == nil {
		err = f.pick(s)
	}
	if err != nil {
		return &fault.Error{Op: "flatten rows of", Object: f.table, Cause: err, Permanent: true,
			Hint: "correct the transform's options; add.fields.prefix keeps added fields apart from columns"}
	}
	f.key = x.KeySchema()
	f.routes = routes{}
	if f.o.RouteByField != "" {
		return nil // the table's own topic is made when a row has to go there
	}
	f.own = own
	return own.Register(ctx, &f.Formats, f.key, f.value)
}

// pick finds what of the envelope is needed. A field that the envelope does not have is left out, as Debezium
// does, with a warning.
func (f *flatShape) pick(s *convert.Schema) error {
	paths := []convert.Path{{Field: "before"}, {Field: "after"}, {Field: "before"}, {Field: "after"}}
	if by := f.o.RouteByField; by != "" {
		paths[flatRouteBefore], paths[flatRouteAfter] = convert.Path{Parent: "before", Field: by}, convert.Path{Parent: "after", Field: by}
	}
	var added []convert.Added
	if f.o.Rewrites() {
		added = append(added, deletedField)
	}
	f.fields, f.headers, f.markers = nil, nil, nil
	for _, a := range f.known(s, f.o.Fields) {
		c, err := columnOf(s, a.Path)
		if err != nil {
			return err
		}
		added = append(added, convert.Added{Name: a.Name, Type: c.Plain()})
		f.fields = append(f.fields, len(paths))
		paths = append(paths, a.Path)
	}
	for _, a := range f.known(s, f.o.Headers) {
		f.headers = append(f.headers, flatHeader{a.Name, len(paths), a.Path == convert.Path{Field: "op"}})
		paths = append(paths, a.Path)
	}
	for i := flatAdded; i < len(paths); i++ {
		if paths[i] == (convert.Path{Parent: "source", Field: "snapshot"}) {
			f.markers = append(f.markers, i)
		}
	}
	var err error
	if f.picker, err = s.Pick(paths...); err != nil {
		return err
	}
	if f.o.RouteByField != "" && f.picker.Column(flatRouteAfter).Kind() != schema.String {
		return errors.New("column " + f.o.RouteByField + " is not text, and cannot name a topic")
	}
	f.parts = make([]convert.Part, len(paths))
	f.value, err = s.RowSchema(added)
	return err
}

// known are the additions that the envelope has.
func (f *flatShape) known(s *convert.Schema, all []routing.Addition) []routing.Addition {
	var out []routing.Addition
	for _, a := range all {
		if _, err := columnOf(s, a.Path); err != nil {
			f.Log.Warn("the envelope has no such field: it is not added", "table", f.table, "field", a.Path.String())
			continue
		}
		out = append(out, a)
	}
	return out
}

func columnOf(s *convert.Schema, path convert.Path) (convert.Column, error) {
	p, err := s.Pick(path)
	if err != nil {
		return convert.Column{}, err
	}
	return p.Column(0), nil
}

func (f *flatShape) Append(b *Batch, tx *envelope.Transaction, e *envelope.Event, own, all []sinks.Header) error {
	var err error
	switch e.Op {
	case envelope.Truncate: // Debezium drops it: there is no row
		return nil
	case envelope.Delete:
		err = f.appendDelete(b, tx, e, own, all)
	default:
		err = f.appendRow(b, tx, e, all)
	}
	f.envelope = reusable(f.envelope)
	return err
}

// appendDelete writes what a delete and its tombstone become.
func (f *flatShape) appendDelete(b *Batch, tx *envelope.Transaction, e *envelope.Event, own, all []sinks.Header) error {
	tombstone := f.Tombstones && f.o.Tombstones()
	if f.o.Deletes == routing.DeleteDrop && !tombstone {
		return nil
	}
	now := time.Now().UnixNano()
	to, err := f.read(tx, e, now)
	switch {
	case err != nil:
		return err
	case f.o.Rewrites():
		err = f.addRow(b, e, to, all, now)
	case f.o.Deletes != routing.DeleteDrop:
		err = f.addNull(b, e, to, f.withHeaders(all), len(all))
	}
	if err != nil || !tombstone {
		return err
	}
	return f.addNull(b, e, to, f.tombstoneHeaders(own), len(own)+len(f.Headers))
}

// tombstoneHeaders are those of the tombstone behind the delete that was read: Connect's delete and its tombstone share
// one list of headers, to which the transform adds the delete's, and then what it knows of a tombstone: that it is a
// delete (makeHeaders).
func (f *flatShape) tombstoneHeaders(own []sinks.Header) []sinks.Header {
	headers := f.withHeaders(Joined(own, f.Headers))
	if f.o.KeepTombstones {
		return headers // the transform does not see it
	}
	return f.withOperation(headers)
}

// appendRow writes the new row of an event.
func (f *flatShape) appendRow(b *Batch, tx *envelope.Transaction, e *envelope.Event, all []sinks.Header) error {
	now := time.Now().UnixNano()
	to, err := f.read(tx, e, now)
	if err != nil {
		return err
	}
	return f.addRow(b, e, to, all, now)
}

// addRow adds the row of the event that was read: the new one, and of a delete the old one.
func (f *flatShape) addRow(b *Batch, e *envelope.Event, to *Topic, all []sinks.Header, nanos int64) error {
	row, from := f.parts[flatAfter], e.After
	if e.Op == envelope.Delete {
		row, from = f.parts[flatBefore], e.Before
	}
	if row.IsNull {
		return nil // nothing is known of it
	}
	var s Span
	if err := to.appendKey(b, f.x, from, &s); err != nil {
		return err
	}
	s.Value = len(b.Arena)
	arena := append(to.Values.Begin(b.Arena), row.Avro...)
	if f.o.Rewrites() {
		arena = appendDeleted(arena, e.Op == envelope.Delete)
	}
	for _, i := range f.fields {
		arena = convert.AppendOptional(arena, f.parts[i])
	}
	var err error
	if b.Arena, err = to.Values.Finish(arena, s.Value); err != nil {
		return err
	}
	s.End = len(b.Arena)
	headers := f.withHeaders(all)
	return f.holds(b, headers, len(all), b.Add(to, s, headers, nanos/1e3))
}

// holds counts the headers that a row has added to those that it shares.
func (f *flatShape) holds(b *Batch, headers []sinks.Header, shared int, err error) error {
	if err == nil && len(f.headers) > 0 {
		b.Holds(headers, shared)
	}
	return err
}

func appendDeleted(dst []byte, deleted bool) []byte {
	if deleted {
		return append(dst, "\x02\x08true"...)
	}
	return append(dst, "\x02\x0afalse"...)
}

// addNull adds a record with the key of an event's old row and a null value.
func (f *flatShape) addNull(b *Batch, e *envelope.Event, to *Topic, headers []sinks.Header, shared int) error {
	s := Span{NullValue: true}
	if err := to.appendKey(b, f.x, e.Before, &s); err != nil {
		return err
	}
	s.Value, s.End = len(b.Arena), len(b.Arena)
	return f.holds(b, headers, shared, b.Add(to, s, headers, time.Now().UnixMicro()))
}

// read encodes an event's envelope, picks the parts, and finds where the row goes.
func (f *flatShape) read(tx *envelope.Transaction, e *envelope.Event, nanos int64) (*Topic, error) {
	var err error
	if f.envelope, err = f.x.AppendValue(f.envelope[:0], tx, e, nanos); err != nil {
		return nil, err
	}
	if err := f.picker.Read(f.envelope[frameBytes:], f.parts); err != nil {
		return nil, err
	}
	f.leaveUnset()
	if f.own != nil {
		return f.own, nil
	}
	by := f.parts[flatRouteAfter]
	if e.Op == envelope.Delete {
		by = f.parts[flatRouteBefore]
	}
	if to := f.routes.by[string(by.Text())]; to != nil {
		return to, nil
	}
	name := string(by.Text())
	topic := f.plan.Renamed(name)
	if name == "" {
		topic = f.plan.Renamed(f.plan.Topic) // the log does not carry the column, or it is empty
	}
	if err := checkRouted(f.table, f.o.RouteByField, topic); err != nil {
		return nil, err
	}
	return nil, &Unrouted{formats: &f.Formats, routes: &f.routes, name: name, Topic: topic, keySchema: f.key, valueSchema: f.value}
}

// leaveUnset takes away the marker of a row of the stream: Debezium does not set it, so that the envelope has its
// default, and the transform takes what is set (FieldReference.getWithoutDefault).
func (f *flatShape) leaveUnset() {
	for _, i := range f.markers {
		if string(f.parts[i].Text()) == "false" {
			f.parts[i] = convert.Part{IsNull: true}
		}
	}
}

// withHeaders adds the headers that are taken from the envelope; they are text, as SimpleHeaderConverter writes it.
func (f *flatShape) withHeaders(headers []sinks.Header) []sinks.Header {
	if len(f.headers) == 0 {
		return headers
	}
	out := append([]sinks.Header(nil), headers...)
	for _, h := range f.headers {
		part := f.parts[h.part]
		header := sinks.Header{Key: h.name}
		if !part.IsNull {
			// The Picker has read the part by the same schema: it cannot fail.
			header.Value, _ = f.picker.Column(h.part).AppendHeader([]byte{}, part)
		}
		out = append(out, header)
	}
	return out
}

func (f *flatShape) withOperation(headers []sinks.Header) []sinks.Header {
	for _, h := range f.headers {
		if h.isOp {
			headers = append(headers[:len(headers):len(headers)], sinks.Header{Key: h.name, Value: []byte("d")})
		}
	}
	return headers
}
