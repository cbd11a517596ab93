package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

// restarted stops the server, changes its data folder and starts it again.
func (s *openServer) restarted(t *testing.T, change func(dataDir string) error) {
	t.Helper()
	if err := s.sql.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := change(s.server.DataDir()); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := s.server.Connect(t.Context(), s.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	s.sql = conn
}

func TestAStandbyIsRefusedAndSoIsAPositionFromBeforeItsPromotion(t *testing.T) { // P53, P60
	for _, major := range []int{15, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			s := newOpenServer(t, testenv.Postgres(t, pgserver.Options{Version: major}), oneTable)
			stored := s.begun(t)
			s.restarted(t, func(dataDir string) error {
				return os.WriteFile(filepath.Join(dataDir, "standby.signal"), nil, 0o644)
			})
			s.refuse(t, stored, fault.Preflight, "standby", "the primary")
			expectFinding(t, s.reader(t).Check(t.Context()), fault.Fatal, "P53", "primary")

			s.exec(t, "SELECT pg_promote()")
			s.refuse(t, stored, fault.PositionLost, "P60", "timeline 1", "has 2", "rdip offsets reset shop")
		})
	}
}

func TestAServerRestoredToAnEarlierPointIsRefused(t *testing.T) { // P61
	s := newOpenServer(t, testenv.Postgres(t, pgserver.Options{Version: 15}), oneTable)
	stored := s.begun(t)
	backup := filepath.Join(t.TempDir(), "backup")
	copyTo := func(from, to string) error { return exec.Command("cp", "-a", from, to).Run() }
	s.restarted(t, func(dataDir string) error { return copyTo(dataDir, backup) })

	r, resume := s.open(t, stored)
	s.exec(t, "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(10, 10000) i")
	s.streamed(t, r, resume.From)
	end, err := parseLSN(s.ask(t, "SELECT pg_current_wal_flush_lsn()"))
	if err != nil {
		t.Fatal(err)
	}
	stored = readers.Stored{Identity: resume.Identity, Position: offsets.Position{Place: end}, SnapshotDone: true}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.restarted(t, func(dataDir string) error {
		if err := os.RemoveAll(dataDir); err != nil {
			return err
		}
		return copyTo(backup, dataDir)
	})
	s.refuse(t, stored, fault.PositionLost, "P61", "restored to an earlier point", "bytes beyond", lsnText(end))
}
