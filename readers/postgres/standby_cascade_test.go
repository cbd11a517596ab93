package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/readers"
)

// P53, P60: a standby of a standby is a source too; when the one between becomes the primary, the stream goes on over the
// change of the timeline, and so does the next start, though this server itself was never promoted.
func TestAStandbyBehindAStandbyIsASourceOverThePromotionOfTheOneBetween(t *testing.T) {
	for _, major := range []int{16, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			primary := testenv.Postgres(t, pgserver.Options{Version: major, Settings: map[string]string{"full_page_writes": "on"}}) // for the backup of a standby
			p := newOpenServer(t, primary, oneTable)
			p.publishT(t)
			between := p.at(t, testenv.Standby(t, primary, nil))
			p.replayed(t, between)
			s := between.at(t, testenv.Standby(t, between.server, nil))
			p.replayed(t, s)
			r, resume := s.openOnStandby(t, p)
			if err := r.Snapshot().Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			h := &recorder{position: r.Confirm}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- r.Stream(ctx, resume.From, h) }()
			p.exec(t, "INSERT INTO t VALUES (60, 'of the first primary')")
			eventually(t, "the row arrives", func() bool { return h.count() == 1 })
			p.replayed(t, s)
			if err := primary.Kill(); err != nil {
				t.Fatal(err)
			}
			between.exec(t, "SELECT pg_promote()")
			between.exec(t, "INSERT INTO t VALUES (61, 'of the second')")
			eventually(t, "the stream goes on", func() bool { return h.count() == 2 })
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			stored := readers.Stored{Identity: resume.Identity, Position: offsetsAt(h.lastCommit()), SnapshotDone: true}
			between.exec(t, "INSERT INTO t VALUES (62, 'while we are away')")
			between.replayed(t, s)
			again, resumed := s.open(t, stored)
			expectFinding(t, resumed.Notices, fault.Notice, "P60", "")
			if got := s.streamedFrom(t, between, again, resumed); !slices.Equal(got, []string{"c public.t after(62,while we are away)"}) {
				t.Errorf("the next start has %q", got)
			}
		})
	}
}
