package integration

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
)

const transformTables = `
	CREATE TABLE items (id int PRIMARY KEY, name text DEFAULT 'new', price numeric(10,2));
	CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL, type text, payload jsonb, seq int, at timestamp);
	INSERT INTO items VALUES (1, NULL, 1.50);
	INSERT INTO outbox VALUES ('00000000-0000-0000-0000-000000000001', 'order', 'o-1', 'OrderMade', '{"total": 5, "note": null}', 0, '2024-01-01 00:00:01');`

// P7, P8: a changed key, a delete and its tombstone, in flattened form.
const transformChanges = `
	UPDATE items SET name = 'b' WHERE id = 1;
	UPDATE items SET id = 2 WHERE id = 1;
	DELETE FROM items WHERE id = 2;
	INSERT INTO outbox VALUES ('00000000-0000-0000-0000-000000000002', 'user', 'u-1', 'UserGone', NULL, 0, NULL);
	UPDATE outbox SET type = 'x' WHERE aggregateid = 'o-1';
	DELETE FROM outbox;
	INSERT INTO outbox VALUES ('00000000-0000-0000-0000-000000000003', 'order', 'o-1', 'OrderPaid', '{"total": 7}', 0, NULL);`

// outboxOnly lets a transform of the name see the outbox table, and another everything else.
func transformKeys(prefix string, more ...string) []string {
	return append([]string{
		"connectors.shop.transforms", "outbox,unwrap",
		"connectors.shop.predicates", "isOutbox",
		"connectors.shop.predicates.isOutbox.type", "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
		"connectors.shop.predicates.isOutbox.pattern", prefix + `\.public\.outbox`,
		"connectors.shop.transforms.outbox.type", "io.debezium.transforms.outbox.EventRouter",
		"connectors.shop.transforms.outbox.predicate", "isOutbox",
		"connectors.shop.transforms.outbox.route.topic.replacement", prefix + ".events.${routedByValue}",
		"connectors.shop.transforms.outbox.route.tombstone.on.empty.payload", "true",
		"connectors.shop.transforms.outbox.table.field.event.timestamp", "at",
		"connectors.shop.transforms.outbox.table.fields.additional.placement", "type:header:eventType",
		"connectors.shop.transforms.unwrap.type", "io.debezium.transforms.ExtractNewRecordState",
		"connectors.shop.transforms.unwrap.predicate", "isOutbox",
		"connectors.shop.transforms.unwrap.negate", "true",
	}, more...)
}

// Flattened rows and outbox messages, as a consumer of JSON without schemas reads them.
func TestFlattenedRowsAndOutboxMessagesAsJSON(t *testing.T) {
	pg, kafka := testenv.SharedPostgres(t, 17), testenv.SharedKafka(t)
	database := testenv.Database(t, pg)
	execute(t, pg, database, transformTables)
	s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), "", "flat").With(transformKeys("flat",
		"connectors.shop.key.converter", "json", "connectors.shop.key.converter.schemas.enable", "false",
		"connectors.shop.value.converter", "json", "connectors.shop.value.converter.schemas.enable", "false",
		"connectors.shop.value.converter.decimal.format", "numeric",
		"connectors.shop.transforms.outbox.table.expand.json.payload", "true",
		"connectors.shop.transforms.unwrap.delete.tombstone.handling.mode", "rewrite-with-tombstone",
		"connectors.shop.transforms.unwrap.add.fields", "op:change,source.table",
		"connectors.shop.transforms.unwrap.add.headers", "op")...)
	delete(s.Keys, "schema.registry.url")
	d := s.Start(t)
	d.WaitFor(t, "state=streaming")
	execute(t, pg, database, transformChanges)
	wantRecords(t, kafka, "flat.public.items", []string{
		`{"id":1} {"id":1,"name":null,"price":1.50,"__deleted":"false","__change":"r","__source_table":"items"} __op=r`,
		`{"id":1} {"id":1,"name":"b","price":1.50,"__deleted":"false","__change":"u","__source_table":"items"} __op=u`,
		`{"id":1} {"id":1,"name":null,"price":null,"__deleted":"true","__change":"d","__source_table":"items"} __debezium.newkey={"id":2} __rdip.before=key __op=d`,
		`{"id":1} null __debezium.newkey={"id":2} __op=d __op=d`,
		`{"id":2} {"id":2,"name":"b","price":1.50,"__deleted":"false","__change":"c","__source_table":"items"} __debezium.oldkey={"id":1} __op=c`,
		`{"id":2} {"id":2,"name":null,"price":null,"__deleted":"true","__change":"d","__source_table":"items"} __rdip.before=key __op=d`,
		`{"id":2} null __op=d __op=d`,
	})
	wantRecords(t, kafka, "flat.events.order", []string{
		`"o-1" {"total":5} id=00000000-0000-0000-0000-000000000001 eventType=OrderMade`,
		`"o-1" {"total":7} id=00000000-0000-0000-0000-000000000003 eventType=OrderPaid`,
	})
	wantRecords(t, kafka, "flat.events.user", []string{`"u-1" null id=00000000-0000-0000-0000-000000000002 eventType=UserGone`})
	records, err := kafka.Read(t.Context(), "flat.events.order")
	if err != nil {
		t.Fatal(err)
	}
	if at := records[0].Time.UnixMilli(); at != 1704067201000 {
		t.Errorf("the message's time is %d", at)
	}
	d.WaitFor(t, "an update of the outbox table")
	wantNoTopic(t, kafka, "flat.public.outbox")
	if code := d.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The same as Avro, read back by the schemas in the registry; a delete is one record with a null value.
func TestFlattenedRowsAndOutboxMessagesAsAvro(t *testing.T) {
	pg, kafka, registry := testenv.SharedPostgres(t, 17), testenv.SharedKafka(t), testenv.SharedRegistry(t)
	database := testenv.Database(t, pg)
	execute(t, pg, database, transformTables)
	s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), "flatavro").With(transformKeys("flatavro",
		"connectors.shop.transforms.outbox.table.fields.additional.placement", "type:envelope,seq:partition")...)
	d := s.Start(t)
	d.WaitFor(t, "state=streaming")
	execute(t, pg, database, transformChanges)
	awaitRecords(t, kafka, "flatavro.public.items", 5)
	awaitRecords(t, kafka, "flatavro.events.order", 2)
	awaitRecords(t, kafka, "flatavro.events.user", 1)
	schemas := &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}
	var got []string
	for _, topic := range []string{"flatavro.public.items", "flatavro.events.order", "flatavro.events.user"} {
		for _, r := range readWire(t, kafka, schemas, topic) {
			value := "null"
			if r.Value != nil {
				value = decoded(r.Value, r.ValueSchema)
			}
			got = append(got, decoded(r.Key, r.KeySchema)+" "+value)
		}
	}
	want := []string{
		"map[id:1] <nil> map[id:1 name:<nil> price:map[bytes:[0 150]]] <nil>",
		"map[id:1] <nil> map[id:1 name:map[string:b] price:map[bytes:[0 150]]] <nil>",
		"map[id:1] <nil> null",
		"map[id:2] <nil> map[id:2 name:map[string:b] price:map[bytes:[0 150]]] <nil>",
		"map[id:2] <nil> null",
		`o-1<nil> map[payload:map[string:{"note": null, "total": 5}] type:map[string:OrderMade]] <nil>`,
		`o-1<nil> map[payload:map[string:{"total": 7}] type:map[string:OrderPaid]] <nil>`,
		"u-1<nil> null",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if code := d.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// A restart with a table that the transform is not for: that table stops, by name, and the others go on.
	s.Keys["connectors.shop.predicates.isOutbox.pattern"] = `flatavro\.public\.(outbox|items)`
	again := s.Start(t)
	again.WaitFor(t, "state=streaming")
	execute(t, pg, database, `INSERT INTO items VALUES (9); INSERT INTO outbox VALUES ('00000000-0000-0000-0000-000000000004', 'order', 'o-2')`)
	again.WaitFor(t, "make outbox messages of public.items")
	awaitRecords(t, kafka, "flatavro.events.order", 3)
	if code := again.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A row whose column says its topic takes its tombstone along: a compacted topic forgets the row.
func TestATombstoneGoesWhereTheRowsOfItsKeyWent(t *testing.T) {
	p := harness.NewPipeline(t, 17).Configured(
		"connectors.shop.key.converter", "json", "connectors.shop.key.converter.schemas.enable", "false",
		"connectors.shop.value.converter", "json", "connectors.shop.value.converter.schemas.enable", "false",
		"connectors.shop.transforms.unwrap.type", "io.debezium.transforms.ExtractNewRecordState",
		"connectors.shop.transforms.unwrap.route.by.field", "kind",
		"connectors.shop.transforms.unwrap.delete.tombstone.handling.mode", "rewrite-with-tombstone")
	kind := p.Prefix + ".kind"
	p.Exec(t, "CREATE TABLE routed (id int PRIMARY KEY, kind text); ALTER TABLE routed REPLICA IDENTITY FULL; INSERT INTO routed VALUES (1, '"+kind+"')")
	d := p.Streaming(t)
	p.Exec(t, "DELETE FROM routed")
	wantRecords(t, p.Kafka, kind, []string{
		`{"id":1} {"id":1,"kind":"` + kind + `","__deleted":"false"}`,
		`{"id":1} {"id":1,"kind":"` + kind + `","__deleted":"true"}`,
		`{"id":1} null`,
	})
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	wantNoTopic(t, p.Kafka, p.Prefix+".public.routed")
}

// wantRecords waits for a topic's records, and compares each: key, value, headers.
func wantRecords(t *testing.T, kafka *kafkaserver.Cluster, topic string, want []string) {
	t.Helper()
	awaitRecords(t, kafka, topic, len(want))
	var got []string
	for _, r := range readTexts(t, kafka, topic) {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Key, r.Value, strings.Join(r.Headers, " "))))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", topic, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func wantNoTopic(t *testing.T, kafka *kafkaserver.Cluster, name string) {
	t.Helper()
	topics, err := kafka.Topics()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if topic == name {
			t.Errorf("the topic %s was made", name)
		}
	}
}
