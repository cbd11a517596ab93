package snapshot_test

import (
	"testing"

	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

// P54, P56: a chunk of the first snapshot that Kafka has is stored as done, so that the next start does not read
// it again.
func TestChunksOfAFirstSnapshotCountAsDone(t *testing.T) {
	s := snapshot.NewReadings(nil, nil)
	s.Add(map[string]offsets.TableSnapshot{"public.t": {OID: 1, Why: offsets.WhyInitial}})
	s.Planned([]snapshot.TablePlan{{Table: keyed("t", 1), Saved: "{}", Chunks: make([]snapshot.Chunk, 3)}})
	changed, stored := s.Changed([]offsets.Chunk{{Table: "public.t", Index: 1, Rows: 5}})
	stored()
	got := changed["public.t"]
	if got == nil || !got.Done.Has(1) || got.Done.Len() != 1 || got.Rows != 5 || !got.Left() {
		t.Fatalf("stored %+v", got)
	}
	if changed, _ = s.Changed(nil); len(changed) != 0 {
		t.Errorf("to be stored again: %v", changed)
	}
}

// A slot that was taken over with its position, and no records of tables: the tables count as read, unless each
// start reads them.
func TestTablesOfAConnectorThatWasTakenOverCountAsRead(t *testing.T) {
	captured := []*schema.Table{keyed("t", 1)}
	for again, left := range map[bool]int{false: 0, true: 1} {
		s := snapshot.NewReadings(nil, nil)
		if s.Reconcile(captured, snapshot.Terms{Done: true, Again: again}); s.Left() != left {
			t.Errorf("again %t: %d left", again, s.Left())
		}
	}
}
