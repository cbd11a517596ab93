package postgres

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"rdip/envelope"
)

func TestTheSourceBlockHasTheSlotsXminWhereItIsAskedFor(t *testing.T) {
	s := onServer(t, 17, oneTable)
	s.cfg.XminInterval = 10 * time.Millisecond
	stored := s.begun(t)
	r, resume := s.open(t, stored)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Stream(ctx, resume.From, &recorder{}) }()
	want := s.askSlot(t, "catalog_xmin")
	eventually(t, "it was asked for", func() bool {
		return strconv.FormatUint(r.cfg.xmin.of(&envelope.Event{}), 10) == want
	})
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := r.cfg.xmin.of(&envelope.Event{Mark: envelope.Last}); got != 0 {
		t.Errorf("a row of the snapshot has %d", got)
	}
	streamed := r.cfg.sourceEncoder("s", "t")(nil, &envelope.Transaction{ID: 1, Place: 2}, &envelope.Event{})
	without := (&Config{Database: s.cfg.Database}).sourceEncoder("s", "t")(nil, &envelope.Transaction{ID: 1, Place: 2}, &envelope.Event{})
	if len(streamed) <= len(without) {
		t.Errorf("the block is % x, and % x without", streamed, without)
	}
}
