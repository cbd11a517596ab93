package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"

	"rdip/connect/source/deadletter"
	"rdip/connect/source/owntopics"
	"rdip/connect/source/records"
	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/sinks"
	"rdip/snapshot"
)

// kept is a producer that keeps what it takes, one line a record, and acknowledges at once.
type kept struct {
	sinks.Producer
	acks    sinks.Acks
	schemas map[string]string // by topic, of the values
	lines   []string
}

func (k *kept) Send(_ context.Context, b *sinks.Batch) error {
	for i := range b.Records {
		k.lines = append(k.lines, k.line(&b.Records[i]))
	}
	k.acks(b, nil)
	return nil
}

// line is a record as topic, key's last part and the fields that the tests ask for.
func (k *kept) line(r *sinks.Record) string {
	text := strings.TrimPrefix(r.Topic, "shop.")
	if k.schemas[r.Topic] == "" {
		return text + block(r.Value)
	}
	codec, err := goavro.NewCodec(k.schemas[r.Topic])
	if err != nil {
		return err.Error()
	}
	native, rest, err := codec.NativeFromBinary(r.Value[5:])
	if err != nil || len(rest) > 0 {
		return fmt.Sprintf("%s: %v, %d bytes over", text, err, len(rest))
	}
	v := native.(map[string]any)
	switch {
	case v["status"] == "BEGIN":
		return fmt.Sprintf("BEGIN %s", v["id"])
	case v["status"] == "END":
		out := fmt.Sprintf("END %s %s", v["id"], counts(v))
		for _, h := range r.Headers {
			out += fmt.Sprintf(" %s=%s", h.Key, h.Value)
		}
		return out
	case v["message"] != nil:
		m := v["message"].(map[string]any)
		return fmt.Sprintf("message %s %s%s", m["prefix"].(map[string]any)["string"], m["content"].(map[string]any)["bytes"], transactionOf(v))
	case v["ddl"] != nil:
		return fmt.Sprintf("ddl %s", v["ddl"].(map[string]any)["string"])
	default:
		return text
	}
}

func counts(v map[string]any) string {
	var out []string
	for _, item := range v["data_collections"].(map[string]any)["array"].([]any) {
		c := item.(map[string]any)["event.collection"].(map[string]any)
		out = append(out, fmt.Sprintf("%s=%d", c["data_collection"], c["event_count"]))
	}
	return fmt.Sprintf("%d %s", v["event_count"].(map[string]any)["long"], strings.Join(out, ","))
}

func transactionOf(v map[string]any) string {
	b, ok := v["transaction"].(map[string]any)
	if !ok {
		return ""
	}
	f := b["event.block"].(map[string]any)
	return fmt.Sprintf(" [%s %d %d]", f["id"], f["total_order"], f["data_collection_order"])
}

// block finds the transaction block of a table's event, whose place and numbers the tests choose to be unmistakable.
func block(value []byte) string {
	at := strings.Index(string(value), "tx-")
	if at < 0 {
		return ""
	}
	return " [" + strings.Trim(string(value[at:at+10]), "\x00") + "]"
}

// fixedID names a transaction in ten bytes, and its numbers follow: two bytes each way.
func fixedID(dst []byte, tx *envelope.Transaction, place uint64) []byte {
	return fmt.Appendf(dst, "tx-%02d:%04d", tx.ID, place)
}

// ownLane is a stream lane with every topic of its own, whose records are kept.
func ownLane(t *testing.T, change func(*owntopics.Settings)) (*lane, *kept) {
	t.Helper()
	source := func(dst []byte, tx *envelope.Transaction, e *envelope.Event) []byte {
		dst = envelope.AppendString(envelope.AppendString(envelope.AppendString(dst, "v"), "test"), "shop")
		dst = envelope.AppendString(append(envelope.AppendLong(dst, 1), 0), "false")
		return append(envelope.AppendString(dst, "db"), 0, 0, 0)
	}
	origin := envelope.Origin{Database: "db", Schema: &schema.Source{Name: "io.debezium.connector.test.Source"}, TransactionID: fixedID,
		Source: func(string, string) envelope.SourceEncoder { return source }}
	task := &Task{Name: "shop", Prefix: "shop", Skipped: Ops(0).With(envelope.Truncate), Store: openStore(t), Own: owntopics.Settings{Origin: origin, Transactions: true, TransactionTopic: "shop.transaction",
		HeartbeatTopic: "__debezium-heartbeat.shop", Messages: func(prefix string) bool { return prefix != "unwanted" }, MessageTopic: "shop.message", SchemaTopic: "shop"}}
	if change != nil {
		change(&task.Own)
	}
	l := nullLane(t, task)
	k := &kept{Producer: l.run.producer, acks: l.run.acked, schemas: map[string]string{"shop.transaction": schema.TransactionValueSchema,
		"shop.message": schema.MessageValueSchema(origin.Schema, schema.Bytes), "shop": schema.SchemaChangeValueSchema(origin.Schema),
		"__debezium-heartbeat.shop": schema.HeartbeatValueSchema}}
	l.run.producer = k
	return l, k
}

// play hands calls over and gives what was written of them.
func play(t *testing.T, l *lane, k *kept, calls ...func() error) string {
	t.Helper()
	for _, call := range calls {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	out := strings.Join(k.lines, "; ")
	k.lines = nil
	return out
}

// script is a reader's calls on a lane.
type script struct{ l *lane }

func (s script) begin(id, place uint64) func() error {
	return func() error {
		return s.l.Begin(&envelope.Transaction{ID: id, Place: place, First: place - 9, Micros: 1})
	}
}

func (s script) commit(end uint64) func() error {
	return func() error { return s.l.Commit(offsets.Durable{Position: at(end)}) }
}

func (s script) row(l *envelope.Layout, op envelope.Op, place uint64) func() error {
	return func() error {
		if err := s.l.Table(l); err != nil {
			return err
		}
		row := envelope.Row{present("1"), {}, {}}
		e := &envelope.Event{Op: op, Layout: l, Place: place, After: row}
		if op == envelope.Truncate {
			e.After = nil
		}
		return s.l.Row(e)
	}
}

func (s script) message(transactional bool, place uint64, prefix, content string) func() error {
	return func() error {
		return s.l.Message(&envelope.Message{Transactional: transactional, Place: place, Prefix: []byte(prefix), Content: []byte(content)})
	}
}

func TestATransactionIsToldWithItsEventsAndCounts(t *testing.T) {
	orders, notes := named("orders", 1), named("notes", 2)
	moved := &envelope.Event{Op: envelope.Update, Layout: orders, Place: 13, KeyOnly: true,
		Before: envelope.Row{present("1"), {}, {}}, After: envelope.Row{present("2"), {}, {}}}
	for _, c := range []struct {
		name  string
		calls func(s script) []func() error
		want  string
	}{
		{"two tables, in the order of their first events", func(s script) []func() error {
			return []func() error{s.begin(7, 19), s.row(notes, envelope.Create, 11), s.row(orders, envelope.Create, 12), s.row(notes, envelope.Create, 13), s.commit(20)}
		}, "BEGIN tx-07:0010; public.notes [tx-07:0011]; public.orders [tx-07:0012]; public.notes [tx-07:0013]; END tx-07:0020 3 public.notes=2,public.orders=1"},
		{"a transaction of nothing that is written is not told", func(s script) []func() error {
			return []func() error{s.begin(7, 19), s.row(orders, envelope.Truncate, 11), s.message(true, 12, "rdip.heartbeat", "x"), s.message(true, 12, "unwanted", "x"), s.commit(20)}
		}, ""},
		{"rows of a window are in no transaction", func(s script) []func() error {
			return []func() error{s.begin(7, 19), s.row(orders, envelope.Read, 11), s.commit(20)}
		}, "public.orders"},
		{"a changed key is two events, whatever the tombstone", func(s script) []func() error {
			return []func() error{s.begin(7, 19), func() error {
				return errors.Join(s.l.Table(orders), s.l.Row(moved))
			}, s.commit(20)}
		}, "BEGIN tx-07:0010; public.orders [tx-07:0013]; public.orders [tx-07:0013]; END tx-07:0020 2 public.orders=2"},
		{"a new layout of a table goes on with its counts (P16)", func(s script) []func() error {
			return []func() error{s.begin(7, 19), s.row(orders, envelope.Create, 11), s.row(named("orders", 1), envelope.Create, 12), s.commit(20)}
		}, "BEGIN tx-07:0010; public.orders [tx-07:0011]; public.orders [tx-07:0012]; END tx-07:0020 2 public.orders=2"},
		{"counts begin anew with each transaction", func(s script) []func() error {
			return []func() error{s.begin(7, 19), s.row(orders, envelope.Create, 11), s.commit(20), s.begin(8, 29), s.row(orders, envelope.Create, 21), s.commit(30)}
		}, "BEGIN tx-07:0010; public.orders [tx-07:0011]; END tx-07:0020 1 public.orders=1; BEGIN tx-08:0020; public.orders [tx-08:0021]; END tx-08:0030 1 public.orders=1"},
		{"messages are counted under a name of their own", func(s script) []func() error {
			return []func() error{s.begin(7, 19), s.message(true, 11, "audit", "who"), s.row(orders, envelope.Create, 12), s.commit(20)}
		}, "BEGIN tx-07:0010; message audit who [tx-07:0011 1 1]; public.orders [tx-07:0012]; END tx-07:0020 2 LOGICAL_DECODING_MESSAGE=1,public.orders=1"},
		{"P39: a message outside a transaction has no block", func(s script) []func() error {
			return []func() error{s.message(false, 11, "audit", "who")}
		}, "message audit who"},
		{"an event that cannot be written is counted, and END says that its table is not complete", func(s script) []func() error {
			return []func() error{s.begin(7, 19), func() error {
				bad := &envelope.Event{Op: envelope.Create, Layout: notes, Place: 11, After: envelope.Row{{}, {}, {State: 9}}}
				bad.After[0].State = envelope.Absent
				return errors.Join(s.l.Table(notes), s.l.Row(bad))
			}, s.row(orders, envelope.Create, 12), s.commit(20)}
		}, `BEGIN tx-07:0010; public.orders [tx-07:0012]; END tx-07:0020 2 public.notes=1,public.orders=1 __rdip.incomplete=["public.notes"]`},
		{"a table that stopped is counted on, a changed key as two events, in transactions of its own too", func(s script) []func() error {
			s.l.run.tables.entry("public.notes").stopped = &Stop{}
			notesMoved := *moved
			notesMoved.Layout = notes
			return []func() error{s.begin(7, 19), s.row(notes, envelope.Create, 11), func() error { return s.l.Row(&notesMoved) }, s.row(orders, envelope.Create, 14), s.commit(20),
				s.begin(8, 29), s.row(notes, envelope.Truncate, 21), s.row(notes, envelope.Read, 22), s.commit(30),
				s.begin(9, 39), func() error { return s.l.Refuse(notes, nil, errors.New("too large")) }, s.commit(40)}
		}, `BEGIN tx-07:0010; public.orders [tx-07:0014]; END tx-07:0020 4 public.notes=3,public.orders=1 __rdip.incomplete=["public.notes"]; ` +
			`BEGIN tx-09:0030; END tx-09:0040 1 public.notes=1 __rdip.incomplete=["public.notes"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, k := ownLane(t, nil)
			l.run.ledger = &ledger{task: l.run.task, readings: snapshot.NewReadings(nil, nil)}
			if got := play(t, l, k, c.calls(script{l})...); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "; ", "\n"), strings.ReplaceAll(c.want, "; ", "\n"))
			}
		})
	}
}

// P42: what closes a transaction lies before its position: END is acknowledged before its commit is safe.
func TestAPositionIsNotSafeBeforeTheEndOfItsTransactionIsAcknowledged(t *testing.T) {
	l, k := ownLane(t, nil)
	s := script{l}
	orders := named("orders", 1)
	play(t, l, k, s.begin(7, 19), s.row(orders, envelope.Create, 11))
	if err := s.commit(20)(); err != nil {
		t.Fatal(err)
	}
	if p, ok := l.tracker.Safe(); ok {
		t.Errorf("position %d is safe while END is unsent", p.Place)
	}
	if got := play(t, l, k); got != "END tx-07:0020 1 public.orders=1" {
		t.Error(got)
	}
	if p, _ := l.tracker.Safe(); p != at(20) {
		t.Errorf("position %d is safe, not 20", p.Place)
	}
}

func TestHeartbeatRecordsComeBehindTheTransactionInTheirInterval(t *testing.T) {
	l, k := ownLane(t, func(o *owntopics.Settings) { o.HeartbeatEvery = time.Hour })
	s := script{l}
	orders := named("orders", 1)
	due := func() error { l.own.heartbeats.Last = time.Now().Add(-2 * time.Hour); return nil }
	got := play(t, l, k, s.begin(7, 19), s.row(orders, envelope.Create, 11), s.commit(20), due, s.begin(8, 29), s.row(orders, envelope.Create, 21), s.commit(30), s.begin(9, 39), s.commit(40))
	want := "BEGIN tx-07:0010; public.orders [tx-07:0011]; END tx-07:0020 1 public.orders=1; BEGIN tx-08:0020; public.orders [tx-08:0021]; END tx-08:0030 1 public.orders=1; __debezium-heartbeat.shop"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := play(t, l, k, due, func() error { return l.Idle(at(50)) }); got != "__debezium-heartbeat.shop" {
		t.Errorf("idle: %s", got)
	}
	if p, _ := l.tracker.Safe(); p != at(50) {
		t.Errorf("position %d is safe, not 50", p.Place)
	}
}

// K11, G1: what a table that goes on from an older place brings again is its own only.
func TestWhatWasDeliveredBeforeIsNotToldAgain(t *testing.T) {
	l, k := ownLane(t, nil)
	l.own.since = 100
	s := script{l}
	got := play(t, l, k, s.begin(7, 19), s.message(true, 11, "audit", "old"), s.commit(20), s.message(false, 30, "audit", "old"),
		s.begin(8, 109), s.message(true, 101, "audit", "new"), s.commit(110))
	if want := "BEGIN tx-08:0100; message audit new [tx-08:0101 1 1]; END tx-08:0110 1 LOGICAL_DECODING_MESSAGE=1"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// P70, G1: a message that is too large has no table to stop: it stops the connector by name, unless a loss or a dead
// letter was asked for. What nobody wants passes.
func TestAMessageThatIsTooLargeStopsTheConnectorUnlessALossWasAskedFor(t *testing.T) {
	large := func(s script, prefix string) func() error {
		return func() error {
			return s.l.Message(&envelope.Message{Transactional: true, Place: 12, Prefix: []byte(prefix), Refused: errors.New("too large: " + prefix)})
		}
	}
	l, k := ownLane(t, nil)
	s := script{l}
	play(t, l, k, s.begin(7, 19), large(s, "unwanted"), large(s, "rdip.ddl"))
	if err := large(s, "audit")(); err == nil || !fault.IsPermanent(err) || !strings.Contains(err.Error(), `"audit"`) || !strings.Contains(err.Error(), "message.prefix.exclude.list") {
		t.Errorf("the connector goes on: %v", err)
	}
	l, k = ownLane(t, nil)
	l.run.task.Errors.Tolerate = true
	s = script{l}
	got := play(t, l, k, s.begin(7, 19), s.message(true, 11, "audit", "a"), large(s, "audit"), large(s, "unwanted"), s.message(true, 13, "audit", "b"), s.commit(20))
	want := `BEGIN tx-07:0010; message audit a [tx-07:0011 1 1]; message audit b [tx-07:0013 3 3]; END tx-07:0020 3 LOGICAL_DECODING_MESSAGE=3 __rdip.incomplete=["LOGICAL_DECODING_MESSAGE"]`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if lost := l.run.task.lost.All(); len(lost) != 1 || lost[0] != (deadletter.Undelivered{Table: owntopics.MessagesCollection, Reason: "size", Skipped: true, N: 1, Last: "too large: audit"}) {
		t.Errorf("%+v", lost)
	}
}

func TestASchemaChangeIsARecordOfTheTopicNamedAsThePrefix(t *testing.T) {
	l, k := ownLane(t, nil)
	s := script{l}
	change := func() error {
		return l.Message(&envelope.Message{Transactional: true, Place: 11, Prefix: []byte("rdip.ddl"), Content: []byte("{}"),
			Change: &envelope.SchemaChange{Schema: "public", Table: "orders", DDL: "ALTER TABLE orders ADD x int"}})
	}
	if got, want := play(t, l, k, s.begin(7, 19), change, s.commit(20)), "ddl ALTER TABLE orders ADD x int"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A connector that is to write nothing beside its tables' topics writes nothing, and prepares nothing.
func TestNothingIsWrittenThatWasNotAskedFor(t *testing.T) {
	l, k := ownLane(t, func(o *owntopics.Settings) { *o = owntopics.Settings{Origin: o.Origin} })
	s := script{l}
	got := play(t, l, k, s.begin(7, 19), s.row(named("orders", 1), envelope.Create, 11), s.message(true, 12, "audit", "x"), s.commit(20), s.message(false, 30, "audit", "x"))
	if got != "public.orders" {
		t.Error(got)
	}
}

// The topics of no table are written in the connector's formats, as its tables' topics are.
func TestTopicsOfNoTableHaveTheConnectorsFormats(t *testing.T) {
	l, k := ownLane(t, nil)
	l.run.task.Keys, l.run.task.Values = records.Format{Kind: records.FormatJSON}, records.Format{Kind: records.FormatJSON}
	l.own = newOwnTopics(l.run)
	var got []string
	l.run.producer = &texts{kept: k, to: &got}
	s := script{l}
	play(t, l, k, s.begin(7, 19), s.message(true, 11, "audit", "who"), s.commit(20))
	want := []string{
		`{"id":"tx-07:0010"} {"status":"BEGIN","id":"tx-07:0010","event_count":null,"data_collections":null,"ts_ms":0}`,
		`{"prefix":"audit"} {"op":"m",`,
		`{"id":"tx-07:0020"} {"status":"END","id":"tx-07:0020","event_count":1,"data_collections":[{"data_collection":"LOGICAL_DECODING_MESSAGE","event_count":1}],"ts_ms":0}`}
	if len(got) != len(want) {
		t.Fatalf("%d records: %q", len(got), got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

// texts is kept for records that are text.
type texts struct {
	*kept
	to *[]string
}

func (x *texts) Send(_ context.Context, b *sinks.Batch) error {
	for i := range b.Records {
		*x.to = append(*x.to, fmt.Sprintf("%s %s", b.Records[i].Key, b.Records[i].Value))
	}
	x.acks(b, nil)
	return nil
}

// A transform works on what was counted: an event that it leaves out is in the counts, as with Debezium.
func TestWhatATransformLeavesOutIsCounted(t *testing.T) {
	chain, findings := chainByKeys(t, `
transforms: unwrap
transforms.unwrap.type: io.debezium.transforms.ExtractNewRecordState
transforms.unwrap.delete.tombstone.handling.mode: drop`)
	if findings != "" {
		t.Fatal(findings)
	}
	l, k := ownLane(t, nil)
	l.run.task.Naming = routing.Naming{Prefix: "shop", Transforms: chain}
	l.run.tables.naming = l.run.task.Naming
	s := script{l}
	orders := named("orders", 1)
	gone := func() error {
		return errors.Join(l.Table(orders), l.Row(&envelope.Event{Op: envelope.Delete, Layout: orders, Place: 12, KeyOnly: true, Before: envelope.Row{present("1"), {}, {}}}))
	}
	got := play(t, l, k, s.begin(7, 19), s.row(orders, envelope.Create, 11), gone, s.commit(20))
	if want := "BEGIN tx-07:0010; public.orders; END tx-07:0020 2 public.orders=2"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
