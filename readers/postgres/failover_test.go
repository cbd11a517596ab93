package postgres

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// P53, P60: a standby of 15 decodes nothing. A server that is promoted has another timeline; with the slot and a
// position on its line, the stream goes on.
func TestAStandbyBefore16IsRefusedAndItsPromotionIsResumed(t *testing.T) {
	s := newOpenServer(t, testenv.Postgres(t, pgserver.Options{Version: 15}), oneTable)
	stored := s.begun(t)
	s.exec(t, "INSERT INTO t VALUES (50, 'on timeline 1')")
	s.restarted(t, func(dataDir string) error {
		return os.WriteFile(filepath.Join(dataDir, "standby.signal"), nil, 0o644)
	})
	s.refuse(t, stored, fault.Preflight, "standby", "16", "the primary")
	expectFinding(t, s.reader(t).Check(t.Context()), fault.Fatal, "P53", "primary")

	s.exec(t, "SELECT pg_promote()")
	s.exec(t, "INSERT INTO t VALUES (51, 'on timeline 2')")
	r, resume := s.open(t, stored)
	expectFinding(t, resume.Notices, fault.Notice, "P60", "")
	if got, want := s.streamed(t, r, resume.From), []string{"c public.t after(50,on timeline 1)", "c public.t after(51,on timeline 2)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(resume.Identity, `"timeline":2`) {
		t.Errorf("the identity is %s", resume.Identity)
	}
	beyond := stored
	beyond.Position.Place = mustLSN(t, s.ask(t, "SELECT pg_current_wal_flush_lsn()"))
	s.refuse(t, beyond, fault.PositionLost, "P60", "timeline 1", "has 2", lsnText(beyond.Position.Place), "rdip offsets reset shop")
}

func mustLSN(t *testing.T, text string) uint64 {
	t.Helper()
	place, err := parseLSN(text)
	if err != nil {
		t.Fatal(err)
	}
	return place
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
