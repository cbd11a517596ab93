package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/configs"
	"rdip/connect/source/deadletter"
	"rdip/connect/source/owntopics"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/sinks"
	"rdip/snapshot"
)

// letterbox is a producer that keeps records as text, and whose topics take so many bytes a record. denied topics
// cannot be prepared.
type letterbox struct {
	sinks.Producer
	acks    sinks.Acks
	limit   int
	denied  string
	records []posted
}

// posted is a record that was taken, on its own memory.
type posted struct {
	topic, key, value string
	nullKey           bool
	headers           map[string]string
	partition         int32
}

func (b *letterbox) Prepare(ctx context.Context, topic string) (sinks.Topic, error) {
	if topic == b.denied {
		return sinks.Topic{}, &fault.Error{Kind: fault.Preflight, Op: "write to", Object: topic, Cause: errors.New("User:rdip has no Write on it"), Permanent: true}
	}
	t, err := b.Producer.Prepare(ctx, topic)
	t.Partition = func(key []byte) int32 { return int32(len(key)) }
	t.Refuses = func(r *sinks.Record) error {
		if size := len(r.Key) + len(r.Value); b.limit > 0 && size > b.limit {
			return &fault.Error{Op: "send", Cause: &sized{size}, Permanent: true}
		}
		return nil
	}
	return t, err
}

// sized is a producer's refusal of a size.
type sized struct{ bytes int }

func (s *sized) Error() string   { return fmt.Sprintf("%d bytes are too many", s.bytes) }
func (s *sized) TooLarge() int64 { return int64(s.bytes) }

func (b *letterbox) Send(_ context.Context, batch *sinks.Batch) error {
	for _, r := range batch.Records {
		p := posted{topic: r.Topic, key: string(r.Key), value: string(r.Value), nullKey: r.Key == nil, headers: map[string]string{}, partition: r.Partition}
		for _, h := range r.Headers {
			p.headers[h.Key] = string(h.Value)
		}
		b.records = append(b.records, p)
	}
	b.acks(batch, nil)
	return nil
}

// letters are the records of the topic of dead letters.
func (b *letterbox) letters() []posted {
	return slices.DeleteFunc(slices.Clone(b.records), func(p posted) bool { return p.topic != "letters" })
}

// letterLane is a stream's lane that makes dead letters.
func letterLane(t *testing.T, change func(*Task)) (*lane, *letterbox) {
	t.Helper()
	task := &Task{Name: "shop", Prefix: "shop", Store: openStore(t), Tombstones: true, Errors: deadletter.Errors{Tolerate: true, Topic: "letters", Headers: true, Log: true}}
	if change != nil {
		change(task)
	}
	l := nullLane(t, task)
	b := &letterbox{Producer: l.run.producer, acks: l.run.acked}
	l.run.producer, l.run.tables.producer = b, b
	l.run.ledger = &ledger{task: task, readings: snapshot.NewReadings(nil, nil)}
	return l, b
}

var errPoison = errors.New("a value that cannot be written")

// poisonable is ordersLayout whose note cannot be written where it is "poison".
func poisonable(table string) *envelope.Layout {
	l := named(table, 1)
	text := l.Columns[1]
	l.Columns[1] = func(dst, wire []byte) ([]byte, error) {
		if string(wire) == "poison" {
			return dst, errPoison
		}
		return text(dst, wire)
	}
	return l
}

// hand hands one transaction of events over.
func hand(t *testing.T, l *lane, id uint64, events ...*envelope.Event) {
	t.Helper()
	if err := l.Begin(&envelope.Transaction{ID: id, Place: 10*id + 9, First: 10 * id, Micros: 1}); err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		e.Place = 10*id + uint64(i)
		if err := errors.Join(l.Table(e.Layout), l.Row(e)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.Commit(offsets.Durable{Position: at(10*id + 10)}), l.Flush()); err != nil {
		t.Fatal(err)
	}
}

func row(id, note string) envelope.Row { return envelope.Row{present(id), present(note), {}} }

// D8: a row that cannot be written is a dead letter with all that a person needs, in the place of the row and before the
// position behind it; the table and the others go on.
func TestARowThatCannotBeWrittenIsADeadLetterWithTheRowAndTheReason(t *testing.T) {
	l, b := letterLane(t, nil)
	orders, other := poisonable("orders"), named("notes", 2)
	bad := &envelope.Event{Op: envelope.Update, Layout: orders, Before: row("1", `a "quoted"`+"\nnote"), After: envelope.Row{present("1"), present("poison"), {State: envelope.Absent}}}
	hand(t, l, 7, &envelope.Event{Op: envelope.Create, Layout: orders, After: row("1", "good")}, bad, &envelope.Event{Op: envelope.Create, Layout: other, After: row("2", "good")},
		&envelope.Event{Op: envelope.Update, Layout: orders, After: row("1", "good again")})
	var topics []string
	for _, r := range b.records {
		topics = append(topics, r.topic)
	}
	if got := strings.Join(topics, " "); got != "shop.public.orders letters shop.public.notes shop.public.orders" {
		t.Errorf("records went to %s", got)
	}
	letters := b.letters()
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	m := letters[0]
	if want := `{"table":"public.orders","op":"u","before":{"id":"1","note":"a \"quoted\"\nnote","memo":null},"after":{"id":"1","note":"poison"},"unavailable":["memo"]}`; m.value != want || m.key != `{"id":"1"}` {
		t.Errorf("key %s, value\n%s\nwant\n%s", m.key, m.value, want)
	}
	for name, want := range map[string]string{"__connect.errors.topic": "shop.public.orders", "__connect.errors.connector.name": "shop", "__connect.errors.task.id": "0",
		"__connect.errors.stage": "VALUE_CONVERTER", "__connect.errors.exception.message": "table public.orders, column note: a value that cannot be written",
		"__rdip.table": "public.orders", "__rdip.reason": "value", "__rdip.op": "u", "__rdip.transaction": "7"} {
		if m.headers[name] != want {
			t.Errorf("header %s is %q, not %q", name, m.headers[name], want)
		}
	}
	if p, _ := l.tracker.Safe(); p != at(80) {
		t.Errorf("position %d is safe, not 80", p.Place)
	}
	if len(l.run.ledger.record.Stopped) != 0 {
		t.Errorf("stopped: %v", l.run.ledger.record.Stopped)
	}
	if lost := l.run.task.Status().Undelivered; len(lost) != 1 || lost[0].Table != "public.orders" || lost[0].Reason != "value" || lost[0].N != 1 || lost[0].Skipped {
		t.Errorf("counted: %+v", lost)
	}
}

// G2, P7: letters of a key keep their order, in one partition; a changed key is a letter of each key.
func TestDeadLettersOfAKeyKeepTheirOrder(t *testing.T) {
	l, b := letterLane(t, nil)
	orders := poisonable("orders")
	orders.Table.Key = []int{0}
	hand(t, l, 7, &envelope.Event{Op: envelope.Create, Layout: orders, After: row("1", "poison")},
		&envelope.Event{Op: envelope.Update, Layout: orders, Before: row("1", "poison"), After: row("23", "poison")},
		&envelope.Event{Op: envelope.Delete, Layout: orders, Before: row("23", "poison")})
	var got []string
	for _, m := range b.letters() {
		got = append(got, m.headers["__rdip.op"]+m.key)
		if m.partition != int32(len(m.key)) {
			t.Errorf("%s went to partition %d", m.key, m.partition)
		}
	}
	if want := `c{"id":"1"} d{"id":"1"} c{"id":"23"} d{"id":"23"}`; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}

// What a record does not show, a dead letter does not show either: not in its value, its key or its headers.
func TestADeadLetterShowsNothingThatIsLeftOutOrDisguised(t *testing.T) {
	const canary = "c4n4ry"
	for key, value := range map[string]string{"column.exclude.list": `public.orders.(memo)`, "column.include.list": `public.orders.(id|note)`,
		"column.mask.with.3.chars": "public.orders.memo", "column.mask.hash.v2.SHA-256.with.salt.S": "public.orders.memo", "column.truncate.to.2.chars": "public.orders.memo"} {
		for _, debezium := range []string{"rdip", "debezium"} {
			t.Run(key+", as "+debezium, func(t *testing.T) {
				var c Config
				d := c.Definition()
				if f := configs.Decode(configs.FromMap("test", "shop", map[string]string{"connector.class": "postgres", "topic.prefix": "shop", "compatibility": debezium, key: value}), d); f.Err() != nil {
					t.Fatal(f.Err())
				}
				l, b := letterLane(t, func(task *Task) { task.Reshape = c.Reshape() })
				orders := poisonable("orders")
				orders.Table.Key = []int{2}
				if debezium == "rdip" {
					orders.Table.Key = []int{0} // such a column in the key is refused there, or digested
				}
				secret := envelope.Row{present("1"), present("poison"), present(canary)}
				hand(t, l, 7, &envelope.Event{Op: envelope.Update, Layout: orders, Before: secret, After: secret})
				if len(b.letters()) != 1 {
					t.Fatalf("%d letters", len(b.letters()))
				}
				if m := b.letters()[0]; strings.Contains(fmt.Sprint(m), canary) || !strings.Contains(m.value, `"left_out":["memo"]`) {
					t.Errorf("%+v", m)
				}
			})
		}
	}
}

// K4: what is too large for its topic, and then for that of dead letters, is left out there, with its size.
func TestALetterThatIsTooLargeGoesWithoutItsRow(t *testing.T) {
	l, b := letterLane(t, nil)
	b.limit = 400
	orders := named("orders", 1)
	orders.Table.Key = []int{0}
	large := strings.Repeat("1", 500)
	hand(t, l, 7, &envelope.Event{Op: envelope.Create, Layout: orders, After: row("1", large)}, &envelope.Event{Op: envelope.Create, Layout: orders, After: row("2", "small")})
	m := b.letters()
	if len(m) != 1 || m[0].key != `{"id":"1"}` || m[0].value != "" || m[0].headers["__rdip.reason"] != "size" || m[0].headers["__connect.errors.stage"] != "KAFKA_PRODUCE" ||
		m[0].headers["__rdip.bytes"] != "575" {
		t.Errorf("%+v", m)
	}
	b.records, b.limit = nil, 100
	keyed := named("keyed", 2)
	keyed.Table.Key = []int{1}
	hand(t, l, 8, &envelope.Event{Op: envelope.Create, Layout: keyed, After: row("1", large)})
	if m := b.letters(); len(m) != 1 || !m[0].nullKey || m[0].partition != int32(len(large)+len(`{"note":""}`)) {
		t.Errorf("a key that is too large: %+v", m)
	}
}

// R2: while the registry refuses a table's schema its rows are letters; the next layout is tried again.
func TestRowsOfARefusedSchemaAreLettersUntilTheTableHasAnother(t *testing.T) {
	l, b := letterLane(t, nil)
	l.run.task.Registrar = refusing{&fault.Error{Op: "register", Cause: errors.New("incompatible"), Permanent: true}}
	notes, orders := named("notes", 2), named("orders", 1)
	hand(t, l, 7, &envelope.Event{Op: envelope.Create, Layout: notes, After: row("1", "a")}, &envelope.Event{Op: envelope.Create, Layout: orders, After: row("1", "a")},
		&envelope.Event{Op: envelope.Create, Layout: notes, After: row("2", "b")})
	l.run.task.Registrar = numbers{}
	hand(t, l, 8, &envelope.Event{Op: envelope.Create, Layout: notes, After: row("3", "c")})
	hand(t, l, 9, &envelope.Event{Op: envelope.Create, Layout: named("notes", 2), After: row("4", "d")})
	var got []string
	for _, r := range b.records {
		got = append(got, r.topic+" "+r.headers["__rdip.reason"])
	}
	if want := "letters schema, shop.public.orders , letters schema, letters schema, shop.public.notes "; strings.Join(got, ", ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// What stops a table instead: no tolerance, and a topic of dead letters that cannot be written.
func TestWithoutATopicThatTakesLettersTheTableStops(t *testing.T) {
	unread := func(l *lane, orders *envelope.Layout) error {
		return errors.Join(l.Begin(&envelope.Transaction{ID: 7, Place: 79}), l.Table(orders), l.Refuse(orders, nil, &sized{5000}))
	}
	written := func(l *lane, orders *envelope.Layout) error {
		return errors.Join(l.Begin(&envelope.Transaction{ID: 7, Place: 79, First: 70}), l.Table(orders), l.Row(&envelope.Event{Op: envelope.Create, Layout: orders, After: row("1", "poison")}))
	}
	for name, c := range map[string]struct {
		errors deadletter.Errors
		denied string
		do     func(*lane, *envelope.Layout) error
		why    string
	}{
		"errors.tolerance is none":             {deadletter.Errors{}, "", written, "a value that cannot be written"},
		"the topic is denied":                  {deadletter.Errors{Tolerate: true, Topic: "letters"}, "letters", written, "User:rdip has no Write on it"},
		"errors.tolerance is none, a snapshot": {deadletter.Errors{}, "", unread, "5000 bytes are too many"},
		"the topic is denied, a snapshot":      {deadletter.Errors{Tolerate: true, Topic: "letters"}, "letters", unread, "User:rdip has no Write on it"},
		"the topic is denied, unread": {deadletter.Errors{Tolerate: true, Topic: "letters"}, "letters", func(l *lane, orders *envelope.Layout) error {
			return errors.Join(l.Begin(&envelope.Transaction{ID: 7, Place: 79, First: 70}), l.Table(orders), l.Refuse(orders, nil, &sized{5000}))
		}, "User:rdip has no Write on it"},
	} {
		t.Run(name, func(t *testing.T) {
			l, b := letterLane(t, func(task *Task) { task.Errors = c.errors })
			b.denied = c.denied
			l.run.ledger.record.Position, l.run.ledger.record.Place = text(at(7)), 7
			if err := errors.Join(c.do(l, poisonable("orders")), l.Flush()); err != nil {
				t.Fatal(err)
			}
			stopped := l.run.ledger.record.Stopped["public.orders"]
			if !strings.Contains(stopped.Reason, c.why) || stopped.Place != 7 || len(b.records) != 0 {
				t.Errorf("%+v, %d records", stopped, len(b.records))
			}
		})
	}
}

// P3, P70: a change that the reader could not hand over is a letter without a row.
func TestAChangeThatWasNotReadIsALetterWithoutARow(t *testing.T) {
	l, b := letterLane(t, nil)
	orders := named("orders", 1)
	err := errors.Join(l.Begin(&envelope.Transaction{ID: 7, Place: 79, First: 70}), l.Table(orders), l.Refuse(orders, nil, &sized{5000}), l.Refuse(orders, nil, errors.New("its key is not in the log")),
		l.Commit(offsets.Durable{Position: at(80)}), l.Flush())
	m := b.letters()
	if err != nil || len(m) != 2 || m[0].value != "" || !m[0].nullKey || m[0].headers["__rdip.bytes"] != "5000" || m[0].headers["__rdip.reason"] != "size" || m[1].headers["__rdip.reason"] != "row" {
		t.Errorf("%v %+v", err, m)
	}
}

// P70: of a row of a snapshot that was not read whole the letter has what was, and its key if that is known; what records
// do not show is not shown here either.
func TestARowOfASnapshotThatWasNotReadIsALetterWithItsBeginning(t *testing.T) {
	absent := envelope.Value{State: envelope.Absent}
	for name, c := range map[string]struct {
		key, hidden []int
		known       envelope.Row
		want, value string
	}{
		"its key was read":      {[]int{0}, nil, envelope.Row{present("1"), absent, absent}, `{"id":"1"}`, `{"table":"public.orders","op":"r","after":{"id":"1"},"unavailable":["note","memo"]}`},
		"half its key was read": {[]int{0, 1}, nil, envelope.Row{present("1"), absent, absent}, "", `{"table":"public.orders","op":"r","after":{"id":"1"},"unavailable":["note","memo"]}`},
		"it is hidden":          {[]int{1}, []int{0}, envelope.Row{present("1"), absent, absent}, "", ""},
		"nothing was read":      {[]int{0}, nil, envelope.Row{absent, absent, absent}, "", ""},
		"nothing is known":      {[]int{0}, nil, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, b := letterLane(t, nil)
			orders := named("orders", 1)
			orders.Table.Key = c.key
			for _, i := range c.hidden {
				orders.Table.Columns[i].Omitted = true
			}
			read := &envelope.Event{Op: envelope.Read, Layout: orders, After: row("2", "a")}
			if err := errors.Join(l.Begin(&envelope.Transaction{Place: 79}), l.Table(orders), l.Refuse(orders, c.known, &sized{5000}), l.Row(read), l.Flush()); err != nil {
				t.Fatal(err)
			}
			m := b.letters()
			if len(b.records) != 2 || len(m) != 1 || m[0].key != c.want || m[0].nullKey != (c.want == "") || m[0].value != c.value {
				t.Fatalf("%+v", b.records)
			}
			for name, want := range map[string]string{"__rdip.bytes": "5000", "__rdip.reason": "size", "__rdip.op": "r", "__rdip.table": "public.orders"} {
				if m[0].headers[name] != want {
					t.Errorf("header %s is %q", name, m[0].headers[name])
				}
			}
		})
	}
}

// D8: without a topic a row is skipped only where that is asked for, and counted as such.
func TestWithoutATopicARowIsSkippedAndCounted(t *testing.T) {
	l, b := letterLane(t, func(task *Task) { task.Errors = deadletter.Errors{Tolerate: true} })
	hand(t, l, 7, &envelope.Event{Op: envelope.Create, Layout: poisonable("orders"), After: row("1", "poison")}, &envelope.Event{Op: envelope.Create, Layout: named("notes", 2), After: row("1", "a")})
	if len(b.records) != 1 || b.records[0].topic != "shop.public.notes" {
		t.Errorf("%+v", b.records)
	}
	if lost := l.run.task.Status().Undelivered; len(lost) != 1 || !lost[0].Skipped || lost[0].N != 1 {
		t.Errorf("%+v", lost)
	}
}

// K4: a logical message that its topic does not take is a letter with its content.
func TestALogicalMessageThatIsTooLargeIsALetter(t *testing.T) {
	l, b := letterLane(t, func(task *Task) {
		task.Own = owntopics.Settings{Messages: func(string) bool { return true }, MessageTopic: "shop.message", Origin: envelope.Origin{Schema: &schema.Source{Name: "s"},
			Source: func(string, string) envelope.SourceEncoder {
				return func(dst []byte, _ *envelope.Transaction, _ *envelope.Event) []byte {
					return append(dst, strings.Repeat("x", 100)...)
				}
			}}}
	})
	b.limit = 90
	err := errors.Join(l.Message(&envelope.Message{Place: 11, Prefix: []byte("audit"), Content: []byte("who\xff")}),
		l.Message(&envelope.Message{Place: 12, Prefix: []byte("audit"), Refused: &sized{5000}}), l.Flush())
	m := b.letters()
	if err != nil || len(b.records) != 2 || m[0].key != `{"prefix":"audit"}` || m[0].value != `{"prefix":"audit","content":{"base64":"d2hv/w=="}}` ||
		m[1].value != "" || m[1].headers["__rdip.bytes"] != "5000" || m[1].headers["__rdip.table"] != owntopics.MessagesCollection {
		t.Errorf("%v %+v", err, b.records)
	}
}
