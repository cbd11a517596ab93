package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/readers"
)

// P50, P53: a slot on a standby that its primary has invalidated ends the stream, and is a lost position by name, with what
// would have kept it.
func TestASlotOnAStandbyThatItsPrimaryInvalidatesIsALostPosition(t *testing.T) {
	for name, c := range map[string]struct {
		settings map[string]string // of the standby
		provoke  func(t *testing.T, primary *openServer)
		word     string
	}{
		"rows of the catalog were removed": {map[string]string{"hot_standby_feedback": "off"}, func(t *testing.T, p *openServer) {
			for _, sql := range []string{"CREATE TABLE gone (id int)", "DROP TABLE gone", "VACUUM pg_class, pg_attribute", "INSERT INTO t VALUES (61, 'behind')"} {
				p.exec(t, sql)
			}
		}, "hot_standby_feedback"},
		"wal_level was lowered": {nil, func(t *testing.T, p *openServer) {
			p.server.Configure(map[string]string{"wal_level": "replica"})
			if err := p.server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, "wal_level"},
	} {
		for _, major := range []int{16, 18} {
			t.Run(fmt.Sprintf("%s, PostgreSQL %d", name, major), func(t *testing.T) {
				primary := testenv.Postgres(t, pgserver.Options{Version: major})
				p := newOpenServer(t, primary, oneTable)
				p.publishT(t)
				s := p.at(t, testenv.Standby(t, primary, c.settings))
				p.replayed(t, s)
				r, resume := s.openOnStandby(t, p)
				if err := r.Snapshot().Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				h := &recorder{position: r.Confirm}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- r.Stream(ctx, resume.From, h) }()
				p.exec(t, "INSERT INTO t VALUES (60, 'before')")
				eventually(t, "the row arrives", func() bool { return h.count() == 1 })
				c.provoke(t, p)
				select {
				case err := <-done:
					expectFault(t, err, fault.Runtime, false)
				case <-time.After(30 * time.Second):
					t.Fatal("the stream goes on without its slot")
				}
				if err := r.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				stored := readers.Stored{Identity: resume.Identity, Position: offsetsAt(h.lastCommit()), SnapshotDone: true}
				s.refuse(t, stored, fault.PositionLost, "P50", c.word, "rdip offsets reset shop")
				expectFinding(t, s.reader(t).Check(t.Context()), fault.Fatal, "P50", dropSQL(s.cfg.SlotName))
			})
		}
	}
}
