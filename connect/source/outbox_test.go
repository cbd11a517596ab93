package source

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/schema"
)

// A row's values are in no header and no line of the log: not the partition that an outbox row asks for either.
func TestAPartitionThatATopicDoesNotHaveIsNotTold(t *testing.T) {
	outbox, wrong := chainByKeys(t, `
transforms.o.type: EventRouter
transforms.o.table.field.event.id: note
transforms.o.table.field.event.key: note
transforms.o.table.field.event.payload: note
transforms.o.route.by.field: note
transforms.o.table.fields.additional.placement: id:partition`)
	if wrong != "" {
		t.Fatal(wrong)
	}
	var log strings.Builder
	l, b := letterLane(t, func(task *Task) { task.Naming.Transforms = outbox })
	l.run.task.Log = slog.New(slog.NewTextHandler(&log, nil))
	orders := named("orders", 1)
	orders.Table.Columns[0].Type = schema.Plain(schema.Int)
	hand(t, l, 7, &envelope.Event{Op: envelope.Create, Layout: orders, After: row("4711", "x")})
	m := b.letters()
	if len(m) != 1 || !strings.Contains(m[0].value, "4711") {
		t.Fatalf("%+v", m)
	}
	if why := fmt.Sprint(m[0].headers, log.String(), l.run.task.Status().Undelivered); strings.Contains(why, "4711") || !strings.Contains(why, "whose partitions are 0 to 3") {
		t.Errorf("it is told as %s", why)
	}
}
