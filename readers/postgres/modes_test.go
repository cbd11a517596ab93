package postgres

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

func TestWhenNeededALostPositionBecomesAFirstStartWithANotice(t *testing.T) { // P48, P49, P50
	for name, lose := range map[string]string{
		"the slot was dropped":  "SELECT pg_drop_replication_slot(%s)",
		"the slot was moved on": "SELECT pg_replication_slot_advance(%s, pg_current_wal_flush_lsn())",
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, oneTable)
			s.cfg.SnapshotMode = SnapshotWhenNeeded
			stored := s.begun(t)
			if _, resume := s.open(t, stored); resume.Snapshot || resume.From != stored.Position {
				t.Fatalf("with nothing lost: %+v", resume)
			}
			s.exec(t, "INSERT INTO t VALUES (76)")
			s.exec(t, strings.ReplaceAll(lose, "%s", quoteLiteral(s.cfg.SlotName)))
			s.exec(t, "INSERT INTO t VALUES (77)")
			kept := ""
			stored.Keep = func(identity string) error { kept = identity; return nil }
			r, resume := s.open(t, stored)
			if !resume.Snapshot || resume.From.Place <= stored.Position.Place || kept == "" {
				t.Fatalf("resumed with %+v", resume)
			}
			if !slices.ContainsFunc(resume.Notices, func(f fault.Finding) bool {
				return f.Severity == fault.Warning && f.Kind == fault.PositionLost && strings.Contains(f.Seen, lsnText(stored.Position.Place))
			}) {
				t.Errorf("nothing tells of the gap: %v", fault.Findings(resume.Notices))
			}
			if got := copied(t, r, 1).rows["public.t"]; !slices.Contains(got, "r 77,~") {
				t.Errorf("the snapshot has %q", got)
			}
			if got := s.streamed(t, r, resume.From); len(got) != 0 {
				t.Errorf("the stream has %q", got)
			}
		})
	}
}

func TestWhenNeededAnotherClustersPositionIsStillRefused(t *testing.T) { // P61
	s := onServer(t, 15, oneTable)
	s.cfg.SnapshotMode = SnapshotWhenNeeded
	stored := identified(func(i *identity) { i.System = "7" })(s.begun(t))
	s.refuse(t, stored, fault.PositionLost, "system identifier")
	if s.askSlot(t, "slot_name") == "" {
		t.Error("the slot was dropped")
	}
}

func TestRecoveryGoesOnFromTheStoredPositionAndNeverWithoutOne(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.cfg.SnapshotMode = SnapshotRecovery
	s.refuse(t, readers.Stored{}, fault.Preflight, "snapshot.mode is recovery", "snapshot.mode: initial")
	if s.slotsMade(t) != "0" {
		t.Error("a slot was made")
	}
	s.cfg.SnapshotMode = SnapshotInitial
	stored := s.begun(t)
	s.cfg.SnapshotMode = SnapshotRecovery
	if _, resume := s.open(t, stored); resume.Snapshot || resume.From != stored.Position || !slices.ContainsFunc(resume.Notices, func(f fault.Finding) bool { return strings.Contains(f.Seen, "recovery") }) {
		t.Errorf("resumed with %+v", resume)
	}
}

// slotsMade is how many slots of the name there are.
func (s *openServer) slotsMade(t *testing.T) string {
	t.Helper()
	return s.ask(t, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = "+quoteLiteral(s.cfg.SlotName))
}

func TestAlwaysAsksForEveryTableAgainOnALaterStart(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.cfg.SnapshotMode = SnapshotAlways
	r, first := s.open(t, readers.Stored{})
	if !first.Snapshot || first.Again {
		t.Errorf("a first start: %+v", first)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, later := s.open(t, readers.Stored{Identity: first.Identity, Position: first.From, SnapshotDone: true})
	if later.Snapshot || !later.Again || later.From != first.From {
		t.Errorf("a later start: %+v", later)
	}
}

func TestNoDataTakesNoSnapshot(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.cfg.SnapshotMode = SnapshotNone
	r, resume := s.open(t, readers.Stored{})
	if resume.Snapshot || resume.Again || resume.From == (offsets.Position{}) || r.Snapshot() != nil {
		t.Errorf("%+v", resume)
	}
}

func TestSnapshotAndStreamBeginAfterTheirDelays(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.cfg.SnapshotDelay, s.cfg.StreamingDelay = 150*time.Millisecond, 150*time.Millisecond
	began := time.Now()
	r, resume := s.open(t, readers.Stored{})
	if took := time.Since(began); took < s.cfg.SnapshotDelay {
		t.Errorf("the snapshot was taken after %s", took)
	}
	copied(t, r, 1)
	began = time.Now()
	s.streamed(t, r, resume.From)
	if took := time.Since(began); took < s.cfg.StreamingDelay {
		t.Errorf("the stream had begun after %s", took)
	}
}
