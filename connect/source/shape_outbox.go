package source

import (
	"bytes"
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
	o    *routing.OutboxOptions
	plan *routing.Plan

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

func (s *outboxShape) prepare(_ *lane, x *encoding) error {
	parsed, err := convert.ParseSchema(x.ValueSchema())
	if err == nil {
		err = s.pick(parsed)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return &fault.Error{Op: "make outbox messages of", Object: x.table.id, Cause: err, Permanent: true,
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

// append writes an insert's message. Deletes are how the table is kept small, and are passed over; so is a
// TRUNCATE.
func (s *outboxShape) append(l *lane, x *encoding, e *envelope.Event) error {
	switch e.Op {
	case envelope.Create, envelope.Read:
		err := s.appendMessage(l, x, e)
		s.envelope, s.names = reusable(s.envelope), reusable(s.names)
		return err
	case envelope.Update:
		return s.invalid(l, x)
	default:
		return nil
	}
}

func (s *outboxShape) invalid(l *lane, x *encoding) error {
	const text = "an update of the outbox table: it takes inserts and deletes only"
	switch s.o.Invalid {
	case routing.InvalidWarn:
		l.run.task.Log.Warn(text+"; it is left out", "table", x.table.id)
	case routing.InvalidError:
		l.run.task.Log.Error(text+"; it is left out", "table", x.table.id)
	default:
		return &fault.Error{Op: "make an outbox message of a row of", Object: x.table.id, Cause: errors.New(text), Permanent: true,
			Hint: "let the application insert a row a message; table.op.invalid.behavior: warn passes updates over"}
	}
	return nil
}

func (s *outboxShape) appendMessage(l *lane, x *encoding, e *envelope.Event) error {
	now := time.Now().UnixNano()
	l.number(x, e)
	var err error
	if s.envelope, err = x.AppendValue(s.envelope[:0], &l.tx, e, now); err != nil {
		return err
	}
	if err := s.picker.Read(s.envelope[frameBytes:], s.parts); err != nil {
		return err
	}
	body, err := s.body()
	if err != nil {
		return err
	}
	to, err := s.route(x, body)
	if err != nil {
		return err
	}
	sp := span{key: len(l.batch.Arena)}
	if err := s.appendKey(l, to, &sp); err != nil {
		return err
	}
	if err := s.appendValue(l, to, body, &sp); err != nil {
		return err
	}
	headers, err := s.headers(l.headers(x, e, nil))
	if err != nil {
		return err
	}
	if err := l.addTo(to, sp, headers, s.micros(now/1e3)); err != nil {
		return err
	}
	return s.setPartition(l, x, to)
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
	text, avro, ok := convert.Infer(s.o.Payload, b.part.Text(), convert.InferOptions{KeepNulls: s.o.KeepNulls, KeepEmptyArrays: s.o.KeepEmptyArrays})
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
func (s *outboxShape) route(x *encoding, b body) (*route, error) {
	by := s.parts[s.by].Text()
	if by == nil {
		return nil, &fault.Error{Op: "route a row of", Object: x.table.id, Cause: errors.New("column " + s.o.RouteBy + " is NULL"), Permanent: true,
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
	if err := checkRouted(x.table.id, s.o.RouteBy, topic); err != nil {
		return nil, err
	}
	u := &unrouted{routes: &s.routes, name: string(s.names), topic: topic, valueSchema: s.valueSchema(x, string(by), b)}
	if s.key >= 0 {
		u.keySchema = s.picker.Column(s.key).Schema()
	}
	return nil, u
}

// valueSchema is the payload's schema, or a record of it and the columns that are placed beside it.
func (s *outboxShape) valueSchema(x *encoding, by string, b body) string {
	if !s.o.InEnvelope() {
		return b.column.Schema()
	}
	ns := schema.AvroNamespace(x.Topic + "." + by)
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

func (s *outboxShape) appendKey(l *lane, to *route, sp *span) error {
	if s.key < 0 || s.parts[s.key].IsNull {
		sp.nullKey = true
		return nil
	}
	c, part := s.picker.Column(s.key), s.parts[s.key]
	return l.appendSingle(&to.keys, c, part, sp.key)
}

// appendSingle appends a value that stands alone. Confluent's serializer writes bytes without their length
// (AbstractKafkaAvroSerializer, for a schema of type bytes).
func (l *lane) appendSingle(w *writer, c convert.Column, part convert.Part, from int) error {
	arena := append(l.batch.Arena, w.frame[:]...)
	if w.program == nil && c.Kind() == schema.Bytes && !c.IsOptional() {
		l.batch.Arena = append(arena, part.Text()...)
		return nil
	}
	var err error
	l.batch.Arena, err = w.finish(c.AppendAs(arena, part), from)
	return err
}

func (s *outboxShape) appendValue(l *lane, to *route, b body, sp *span) error {
	sp.value = len(l.batch.Arena)
	sp.nullValue = s.o.EmptyIsTombstone && isEmpty(b) || b.part.IsNull && !s.o.InEnvelope()
	var err error
	switch {
	case sp.nullValue:
	case !s.o.InEnvelope():
		err = l.appendSingle(&to.values, b.column, b.part, sp.value)
	default:
		arena := b.column.AppendAs(append(l.batch.Arena, to.values.frame[:]...), b.part)
		for _, a := range s.more {
			if a.Where == "envelope" {
				arena = s.picker.Column(a.part).AppendAs(arena, s.parts[a.part])
			}
		}
		l.batch.Arena, err = to.values.finish(arena, sp.value)
	}
	sp.end = len(l.batch.Arena)
	return err
}

// isEmpty says whether a payload is nothing, or nothing but white space.
func isEmpty(b body) bool {
	if k := b.column.Kind(); !b.part.IsNull && k != schema.String && k != schema.Bytes {
		return false
	}
	return len(bytes.TrimSpace(b.part.Text())) == 0
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
func (s *outboxShape) setPartition(l *lane, x *encoding, to *route) error {
	for _, a := range s.more {
		if a.Where != "partition" || s.parts[a.part].IsNull {
			continue
		}
		n := s.parts[a.part].Long()
		if n < 0 || n >= int64(to.target.Partitions) {
			return &fault.Error{Op: "route a row of", Object: x.table.id, Permanent: true,
				Cause: fmt.Errorf("column %s says partition %d, and topic %s has %d", a.Column, n, to.topic, to.target.Partitions),
				Hint:  "correct the row, or give the topic more partitions"}
		}
		l.batch.Records[len(l.batch.Records)-1].Partition = int32(n)
	}
	return nil
}
