package source

import (
	"context"
	"errors"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
)

// refusing is a registry that refuses every schema but those of orders.
type refusing struct{ with error }

func (r refusing) ID(_ context.Context, subject, _ string) (int32, error) {
	if strings.HasPrefix(subject, "shop.public.orders-") {
		return 1, nil
	}
	return 0, r.with
}

// K5, K6, R2, R4: what Kafka or the registry refuses for one table while the log is followed stops that table
// alone, where it is: the source keeps what it has still to see. In a snapshot only a schema that is refused
// does, since a table that stops there needs a new snapshot; everything else ends the run, as a lost position
// always does.
func TestWhatIsRefusedForOneTableStopsItAlone(t *testing.T) {
	permanent := func(kind fault.Kind) error {
		return &fault.Error{Kind: kind, Op: "register", Cause: errors.New("refused"), Permanent: true}
	}
	long := strings.Repeat("x", 300) // no topic can be called so
	for name, c := range map[string]struct {
		table    string
		registry error
		known    error
		snapshot bool
		stops    bool
	}{
		"the topic, while streaming":                {table: long, stops: true},
		"the topic, in the snapshot":                {table: long, snapshot: true},
		"the topic was made anew (K11)":             {table: "notes", known: permanent(fault.PositionLost)},
		"the schema (409), while streaming":         {table: "notes", registry: permanent(fault.Runtime), stops: true},
		"the schema (409), in the snapshot":         {table: "notes", registry: permanent(fault.Runtime), snapshot: true, stops: true},
		"us at the registry (403), while streaming": {table: "notes", registry: permanent(fault.Preflight), stops: true},
		"us at the registry (403), in the snapshot": {table: "notes", registry: permanent(fault.Preflight), snapshot: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := brokerLane(t, "1000000")
			l.snapshot = c.snapshot
			l.run.task.Registrar = refusing{c.registry}
			l.run.ledger.record.Position, l.run.ledger.record.Place = text(at(7)), 7
			l.run.tables.known = func(topic sinks.Topic) error {
				if strings.HasSuffix(topic.Name, "orders") {
					return nil
				}
				return c.known
			}
			row := func(layout *envelope.Layout) error {
				if err := l.Table(layout); err != nil {
					return err
				}
				return l.Row(&envelope.Event{Op: envelope.Create, Layout: layout, After: envelope.Row{present("1"), {}, {}}})
			}
			bad := named(c.table, 2)
			err := row(bad)
			stopped := l.run.ledger.record.Stopped
			if !c.stops {
				if err == nil || len(stopped) != 0 {
					t.Errorf("the run goes on (%v), with %v stopped", err, stopped)
				}
				return
			}
			err = errors.Join(err, row(named(c.table, 3)), row(ordersLayout(0)), l.Flush(), drained(t.Context(), l))
			if err != nil {
				t.Fatal(err)
			}
			want := offsets.StoppedTable{Position: text(at(7)), Place: 7}
			if c.snapshot {
				want = offsets.StoppedTable{}
			}
			got := stopped["public."+c.table]
			if got.Reason == "" || got.Position != want.Position || got.Place != want.Place || len(stopped) != 1 {
				t.Errorf("stopped: %+v", stopped)
			}
			if n := l.run.task.counts.records.Load(); n != 1 {
				t.Errorf("%d records were delivered, not the one of the other table", n)
			}
		})
	}
}
