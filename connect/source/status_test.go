package source

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"rdip/connect/source/budget"
	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/readers/postgres"
	"rdip/sinks/kafka"
)

// D5: systemd's watchdog and REST ask for the status; a broker that takes a question and never answers must
// not hold it back, or the process would be killed for Kafka's silence.
func TestStatusWaitsForNoBroker(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	task := &Task{Name: "shop", Registrar: numbers{}, Store: openStore(t), Log: slog.New(slog.DiscardHandler)}
	r := &run{task: task, work: ctx, fail: cancel, budget: budget.New(0), reader: postgres.New("shop", postgres.Config{}), ledger: newLedger(t, task.Store)}
	r.acknowledgedNow()
	p, err := kafka.New(kafka.NewConfig(silent.Addr().String()), kafka.NewCreation(), r.acked, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close(context.Background()) }()
	r.tables = newTables(routing.Naming{Prefix: "shop"}, p)
	r.isOpen.Store(true)
	task.enter(StateStreaming, r)
	asked := make(chan error)
	go func() { asked <- newLane(ctx, r, false).Table(ordersLayout(0)) }()
	if _, err := silent.Accept(); err != nil { // the topic is asked for
		t.Fatal(err)
	}
	told := make(chan Status)
	go func() { told <- task.Status() }()
	select {
	case s := <-told:
		if len(s.Tables) != 1 || s.Tables[0].Table != "public.orders" {
			t.Errorf("tables: %+v", s.Tables)
		}
	case <-time.After(2 * time.Second):
		t.Error("the status waits for the broker")
	}
	cancel(context.Canceled)
	if err := <-asked; err == nil {
		t.Error("a topic was found")
	}
}

// After a restart the status has every captured table, also those in which nothing has happened since.
func TestStatusHasCapturedTablesWithoutEvents(t *testing.T) {
	l := brokerLane(t, "1000000")
	if err := l.Table(ordersLayout(0)); err != nil {
		t.Fatal(err)
	}
	l.run.captures = []string{"public.orders", "public.a", "public.z"}
	l.run.isOpen.Store(true)
	var names []string
	s := Status{}
	l.run.describeTables(&s)
	for _, table := range s.Tables {
		names = append(names, table.Table)
	}
	if want := []string{"public.a", "public.orders", "public.z"}; !slices.Equal(names, want) {
		t.Errorf("tables %v, want %v", names, want)
	}
}

// What a stopped table is told by is complete once it shows: read while it stops, under the race detector.
func TestATableMayStopWhileItsStatusIsRead(t *testing.T) {
	l := brokerLane(t, "1000000")
	l.run.reader = postgres.New("shop", postgres.Config{})
	l.run.acknowledgedNow()
	l.run.ledger.record.Position, l.run.ledger.record.Place = text(at(7)), 7
	l.run.isOpen.Store(true)
	l.run.task.enter(StateStreaming, l.run)
	layout := ordersLayout(0)
	layout.Columns[1] = func(dst, _ []byte) ([]byte, error) { return dst, context.DeadlineExceeded }
	reading, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for range 1000 {
			for _, table := range l.run.task.Status().Tables {
				if table.Stopped != nil && table.Stopped.Position != "" {
					return
				}
			}
			select {
			case <-reading:
				return
			default:
			}
		}
	}()
	if err := l.Table(layout); err != nil {
		t.Fatal(err)
	}
	if err := l.Row(&envelope.Event{Op: envelope.Create, Layout: layout, After: envelope.Row{present("1"), present("x"), {}}}); err != nil {
		t.Fatal(err)
	}
	close(reading)
	<-done
	if s := l.run.task.Status(); len(s.Tables) != 1 || s.Tables[0].Stopped == nil || s.Tables[0].Stopped.Place != 7 {
		t.Errorf("%+v", s.Tables)
	}
}
