package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/envelope/convert"
	"rdip/internal/fault"
	"rdip/schema"
	"rdip/sinks"
)

// outboxShape writes the rows of an outbox table as messages, as Debezium's EventRouter does.
type outboxShape struct {
	Options
	o     *routing.OutboxOptions
	plan  *routing.Plan
	x     *envelope.Encoder
	table string // schema.table

	picker   *convert.Picker
	parts    []convert.Part
	id, key  int // indexes of the parts; -1 where there is no such column
	payload  int
	by       int
	at       int
	version  int
	more     []extra
	toMicros func(int64) int64 // the timestamp column's µs since 1970
	envelope []byte
	schema   *convert.Schema

	routes routes
	names  []byte // the name of the route under way
}

// extra is a column beside the payload, and its part.
type extra struct {
	routing.Placed
	part int
}

func (s *outboxShape) Prepare(_ context.Context, x *envelope.Encoder, table string, _ *Topic) error {
	s.x, s.table = x, table
	parsed, err := convert.ParseSchema(x.ValueSchema())
	if err == nil {
		err = s.pick(parsed)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return &fault.Error{Op: "make outbox messages of", Object: s.table, Cause: err, Permanent: true,
			Hint: "give the transform the table's column names, and a predicate for the other tables: predicates.outbox.type: " + routing.TopicPredicate + ", predicates.outbox.pattern: '.*\\.outbox', transforms.NAME.predicate: outbox"}
	}
	s.routes = routes{}
	return nil
}

func (s *outboxShape) pick(parsed *convert.Schema) error {
	var paths []convert.Path
	column := func(name string) int {
		if name == "" {
			return -1
		}
		paths = append(paths, convert.Path{Parent: "after", Field: name})
		return len(paths) - 1
	}
	s.id, s.key, s.payload, s.by = column(s.o.ID), column(s.o.Key), column(s.o.Payload), column(s.o.RouteBy)
	s.at, s.version = column(s.o.Timestamp), column(s.o.Version)
	s.more = nil
	for _, a := range s.o.Additional {
		if _, err := columnOf(parsed, convert.Path{Parent: "after", Field: a.Column}); err != nil && s.o.IgnoreMissing {
			continue
		}
		s.more = append(s.more, extra{a, column(a.Column)})
	}
	var err error
	s.schema, s.parts = parsed, make([]convert.Part, len(paths))
	s.picker, err = parsed.Pick(paths...)
	return err
}

// check holds the columns' types against what they are for.
func (s *outboxShape) check() error {
	if s.by < 0 || s.id < 0 || s.payload < 0 {
		return errors.New("the columns of id, payload and route.by.field are needed")
	}
	if k := s.picker.Column(s.by).Kind(); k != schema.String {
		return fmt.Errorf("column %s, which says the topic, is not text", s.o.RouteBy)
	}
	if s.version >= 0 && s.picker.Column(s.version).Kind() != schema.Int {
		return fmt.Errorf("column %s, the version of the schema, is not an integer", s.o.Version)
	}
	for _, a := range s.more {
		if a.Where == "partition" && s.picker.Column(a.part).Kind() != schema.Int {
			return fmt.Errorf("column %s, the partition, is not an integer", a.Column)
		}
	}
	if s.at < 0 {
		return nil
	}
	switch name := s.picker.Column(s.at).Name(); name {
	case "io.debezium.time.Timestamp", "org.apache.kafka.connect.data.Timestamp":
		s.toMicros = func(v int64) int64 { return v * 1000 }
	case "io.debezium.time.MicroTimestamp":
		s.toMicros = func(v int64) int64 { return v }
	case "io.debezium.time.NanoTimestamp":
		s.toMicros = func(v int64) int64 { return v / 1000 }
	default:
		return fmt.Errorf("column %s, the message's time, is not a timestamp without time zone", s.o.Timestamp)
	}
	return nil
}

// Append writes an insert's message. Deletes are how the table is kept small, and are passed over; so is a
// TRUNCATE.
func (s *outboxShape) Append(b *Batch, tx *envelope.Transaction, e *envelope.Event, _, all []sinks.Header) error {
	switch e.Op {
	case envelope.Create, envelope.Read:
		err := s.appendMessage(b, tx, e, all)
		s.envelope, s.names = reusable(s.envelope), reusable(s.names)
		return err
	case envelope.Update:
		return s.invalid()
	default:
		return nil
	}
}

func (s *outboxShape) invalid() error {
	const text = "an update of the outbox table: it takes inserts and deletes only"
	switch s.o.Invalid {
	case routing.InvalidWarn:
		s.Log.Warn(text+"; it is left out", "table", s.table)
	case routing.InvalidError:
		s.Log.Error(text+"; it is left out", "table", s.table)
	default:
		return &fault.Error{Op: "make an outbox message of a row of", Object: s.table, Cause: errors.New(text), Permanent: true,
			Hint: "let the application insert a row a message; table.op.invalid.behavior: warn passes updates over"}
	}
	return nil
}

func (s *outboxShape) appendMessage(b *Batch, tx *envelope.Transaction, e *envelope.Event, all []sinks.Header) error {
	now := time.Now().UnixNano()
	var err error
	if s.envelope, err = s.x.AppendValue(s.envelope[:0], tx, e, now); err != nil {
		return err
	}
	if err := s.picker.Read(s.envelope[frameBytes:], s.parts); err != nil {
		return err
	}
	m, err := s.body()
	if err != nil {
		return err
	}
	to, err := s.route(m)
	if err != nil {
		return err
	}
	sp := Span{Key: len(b.Arena)}
	if err := s.appendKey(b, to, &sp); err != nil {
		return err
	}
	if err := s.appendValue(b, to, m, &sp); err != nil {
		return err
	}
	headers, err := s.headers(all)
	if err != nil {
		return err
	}
	if err := b.Add(to, sp, headers, s.micros(now/1e3)); err != nil {
		return err
	}
	b.Holds(headers, len(all))
	return s.setPartition(b, to)
}

// body is the payload of the message under way: the column, or the JSON in it as a value of its own.
type body struct {
	column convert.Column
	part   convert.Part
	schema string // "" for the column's own
}

func (s *outboxShape) body() (body, error) {
	b := body{column: s.picker.Column(s.payload), part: s.parts[s.payload]}
	if !s.o.Expand || b.part.IsNull || b.column.Kind() != schema.String {
		return b, nil
	}
	text, avro, ok := convert.Infer(s.o.Payload, b.part.Text(), convert.InferOptions{KeepNulls: s.o.KeepNulls, KeepEmptyArrays: s.o.KeepEmptyArrays, Inside: s.o.InEnvelope()})
	if !ok { // not JSON that has one schema: it stays text, as Debezium leaves it
		return b, nil
	}
	parsed, err := convert.ParseSchema(text)
	if err != nil {
		return b, err
	}
	return body{column: parsed.Column(), part: convert.Part{Avro: avro}, schema: text}, nil
}

// route finds the topic of the message under way.
func (s *outboxShape) route(b body) (*Topic, error) {
	by := s.parts[s.by].Text()
	if by == nil {
		return nil, &fault.Error{Op: "route a row of", Object: s.table, Cause: errors.New("column " + s.o.RouteBy + " is NULL"), Permanent: true,
			Hint: "ALTER TABLE ... ALTER COLUMN " + s.o.RouteBy + " SET NOT NULL, and correct the row"}
	}
	s.names = append(s.names[:0], by...)
	if s.version >= 0 && s.o.InEnvelope() {
		s.names = strconv.AppendInt(append(s.names, 0), s.parts[s.version].Long(), 10)
	}
	if b.schema != "" {
		s.names = append(append(s.names, 0), b.schema...)
	}
	if to := s.routes.by[string(s.names)]; to != nil {
		return to, nil
	}
	topic := string(by)
	if renamed, ok := s.o.Topic.Replace(topic); ok {
		topic = renamed
	}
	topic = s.plan.Renamed(topic)
	if err := checkRouted(s.table, s.o.RouteBy, topic); err != nil {
		return nil, err
	}
	u := &Unrouted{formats: &s.Formats, routes: &s.routes, name: string(s.names), Topic: topic, valueSchema: s.valueSchema(string(by), b)}
	if s.key >= 0 {
		u.keySchema = s.picker.Column(s.key).Schema()
	}
	return nil, u
}

// valueSchema is the payload's schema, or a record of it and the columns that are placed beside it.
func (s *outboxShape) valueSchema(by string, b body) string {
	if !s.o.InEnvelope() {
		return b.column.Schema()
	}
	ns := schema.AvroNamespace(s.x.Topic + "." + by)
	text := `{"type":"record","name":"Value","namespace":"` + ns + `","fields":[` + b.column.Field("payload")
	for _, a := range s.more {
		if a.Where == "envelope" {
			text += "," + s.picker.Column(a.part).Field(a.As)
		}
	}
	text += "]"
	if s.version >= 0 {
		text += `,"connect.version":` + strconv.FormatInt(s.parts[s.version].Long(), 10)
	}
	return text + `,"connect.name":"` + ns + `.Value"}`
}

func (s *outboxShape) appendKey(b *Batch, to *Topic, sp *Span) error {
	if s.key < 0 || s.parts[s.key].IsNull && !s.Keys.writesNull() {
		sp.NullKey = true
		return nil
	}
	return appendSingle(b, &to.Keys, s.picker.Column(s.key), s.parts[s.key], sp.Key)
}

// appendSingle appends a value that stands alone. Confluent's serializer writes bytes without their length
// (AbstractKafkaAvroSerializer, for a schema of type bytes).
func appendSingle(b *Batch, w *Writer, c convert.Column, part convert.Part, from int) error {
	arena := w.Begin(b.Arena)
	if w.program == nil && c.Kind() == schema.Bytes && !c.IsOptional() {
		b.Arena = append(arena, part.Text()...)
		return nil
	}
	var err error
	b.Arena, err = w.Finish(c.AppendAs(arena, part), from)
	return err
}

func (s *outboxShape) appendValue(b *Batch, to *Topic, m body, sp *Span) error {
	sp.Value = len(b.Arena)
	sp.NullValue = s.o.EmptyIsTombstone && isEmpty(m) || m.part.IsNull && !s.o.InEnvelope() && !s.Values.writesNull()
	var err error
	switch {
	case sp.NullValue:
	case !s.o.InEnvelope():
		err = appendSingle(b, &to.Values, m.column, m.part, sp.Value)
	default:
		arena := m.column.AppendAs(to.Values.Begin(b.Arena), m.part)
		for _, a := range s.more {
			if a.Where == "envelope" {
				arena = s.picker.Column(a.part).AppendAs(arena, s.parts[a.part])
			}
		}
		b.Arena, err = to.Values.Finish(arena, sp.Value)
	}
	sp.End = len(b.Arena)
	return err
}

// isEmpty says whether a payload is nothing, or nothing but white space. Bytes are something, even if there are none:
// Debezium looks at their text, which is never empty.
func isEmpty(b body) bool {
	if b.part.IsNull {
		return true
	}
	return b.column.Kind() == schema.String && len(bytes.TrimSpace(b.part.Text())) == 0
}

// headers are the message's id and the columns that are placed there, behind those that the record has.
func (s *outboxShape) headers(headers []sinks.Header) ([]sinks.Header, error) {
	out := append(make([]sinks.Header, 0, len(headers)+1+len(s.more)), headers...)
	out, err := s.header(out, "id", s.id)
	for _, a := range s.more {
		if err == nil && a.Where == "header" {
			out, err = s.header(out, a.As, a.part)
		}
	}
	return out, err
}

func (s *outboxShape) header(to []sinks.Header, name string, part int) ([]sinks.Header, error) {
	h := sinks.Header{Key: name}
	var err error
	if !s.parts[part].IsNull {
		h.Value, err = s.picker.Column(part).AppendHeader([]byte{}, s.parts[part])
	}
	return append(to, h), err
}

// mostAhead is how far in the future Kafka lets a record's timestamp be by default
// (message.timestamp.after.max.ms).
const mostAhead = int64(time.Hour / time.Microsecond)

// micros is the message's time; where the column holds none that Kafka would take, it is when the row was handled.
func (s *outboxShape) micros(now int64) int64 {
	if s.at < 0 || s.parts[s.at].IsNull {
		return now
	}
	if at := s.toMicros(s.parts[s.at].Long()); at >= 0 && at <= now+mostAhead {
		return at
	}
	return now
}

// setPartition puts the last record into the partition that its row says.
func (s *outboxShape) setPartition(b *Batch, to *Topic) error {
	for _, a := range s.more {
		if a.Where != "partition" || s.parts[a.part].IsNull {
			continue
		}
		n := s.parts[a.part].Long()
		if n < 0 || n >= int64(to.Target.Partitions) {
			return &fault.Error{Op: "route a row of", Object: s.table, Permanent: true,
				Cause: fmt.Errorf("column %s says a partition that topic %s does not have, whose partitions are 0 to %d", a.Column, to.Name, to.Target.Partitions-1),
				Hint:  "give the topic more partitions, or have the application write one of these"}
		}
		b.Records[len(b.Records)-1].Partition = int32(n)
	}
	return nil
}
