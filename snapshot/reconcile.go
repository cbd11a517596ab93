package snapshot

import (
	"rdip/offsets"
	"rdip/schema"
)

// Terms is what decides which tables have work left when a connector starts.
type Terms struct {
	Known  bool // the stored tables are complete: one that is missing there came later
	Done   bool // the first snapshot was finished, or was not asked for
	NoData bool // tables that come count as read
	Again  bool // every table is read once more
	// Logged is what has the source log each table now, as readers.Resume has it.
	Logged map[string]string
}

// byMode asks for every table at each start.
const byMode = "snapshot.mode: always"

// Reconcile compares what is stored with the tables that are captured now: one that came, or has another OID
// under its old name (P18), is to be read; so is one whose changes were not logged for a while (P58); one that is gone is
// forgotten. It gives those that came, and those whose changes were missed.
func (s *Readings) Reconcile(captured []*schema.Table, t Terms) (added, missed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := map[string]bool{}
	begin := map[string]offsets.TableSnapshot{}
	s.order = s.order[:0:0]
	for _, table := range captured {
		id := table.ID()
		now[id] = true
		s.order = append(s.order, id)
		r := s.tables[id]
		switch {
		case r != nil && (r.record.OID == table.OID || r.record.OID == 0):
			r.adoptOID(table.OID)
			lacks := r.lacks(t.Logged[id])
			if lacks {
				missed = append(missed, id)
			}
			switch {
			case lacks && !t.NoData:
				begin[id] = offsets.TableSnapshot{OID: table.OID, Why: offsets.WhyAdded, Asked: s.clock(), Paused: r.record.Paused}
			case t.Again && !r.left():
				begin[id] = s.onceMore(table)
			}
		case r == nil && !t.Known && t.Done && t.Again:
			begin[id] = s.onceMore(table)
		case t.NoData, r == nil && !t.Known && t.Done:
			begin[id] = offsets.TableSnapshot{OID: table.OID, Why: offsets.WhyInitial, Asked: s.clock(), Finished: s.clock()}
		case r == nil && !t.Known:
			begin[id] = offsets.TableSnapshot{OID: table.OID, Why: offsets.WhyInitial, Asked: s.clock()}
		default:
			begin[id] = offsets.TableSnapshot{OID: table.OID, Why: offsets.WhyAdded, Asked: s.clock()}
			added = append(added, id)
		}
	}
	s.add(begin)
	for id := range now {
		s.tables[id].adoptLogged(t.Logged[id])
	}
	for id, r := range s.tables {
		if !now[id] {
			s.drop(r)
		}
	}
	s.publish()
	return added, missed
}

func (r *reading) adoptOID(oid uint64) {
	if r.record.OID != oid {
		r.record.OID = oid
		r.changed()
	}
}

// lacks says whether changes of the table may be in no log, by what has it logged now.
func (r *reading) lacks(logged string) bool {
	return logged != "" && r.record.Logged != "" && r.record.Logged != logged
}

func (r *reading) adoptLogged(logged string) {
	if logged != "" && r.record.Logged != logged {
		r.record.Logged = logged
		r.changed()
	}
}

// onceMore is a table that each start reads.
func (s *Readings) onceMore(t *schema.Table) offsets.TableSnapshot {
	return offsets.TableSnapshot{OID: t.OID, Why: offsets.WhyAsked, By: byMode, Asked: s.clock()}
}
