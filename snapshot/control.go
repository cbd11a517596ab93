package snapshot

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
)

// Ask has captured tables read, or read again: by says who asked. One that is being read is refused, unless the
// very same was asked for; then nothing of any of them is begun. first, which may be nil, is called with the
// tables that are begun, before anything of them is noted.
func (s *Readings) Ask(asked []Asked, captured []*schema.Table, by string, first func(tables []string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	begin := map[string]offsets.TableSnapshot{}
	for _, a := range asked {
		at := slices.IndexFunc(captured, func(t *schema.Table) bool { return t.ID() == a.Table })
		if at < 0 {
			return refused("snapshot", a.Table, "it is not captured", "name a table of table.include.list, as rdip status shows them")
		}
		if a.Keys != nil && !captured[at].HasKey() {
			return refused("snapshot", a.Table, "it has no key to find rows by", "ask for the whole table, or with a predicate")
		}
		r := s.tables[a.Table]
		if r == nil || !r.left() || r.failed != nil || a.Anew {
			begin[a.Table] = offsets.TableSnapshot{OID: captured[at].OID, Why: offsets.WhyAsked, By: by, Where: a.Where, Keys: a.Keys, Asked: s.clock()}
			continue
		}
		if r.record.Where != a.Where || !slices.EqualFunc(r.record.Keys, a.Keys, slices.Equal) {
			return refused("snapshot", a.Table, "another snapshot of it is under way", "wait until it has finished, or stop it: rdip snapshot CONNECTOR "+a.Table+" --stop")
		}
	}
	if first != nil {
		first(slices.Sorted(maps.Keys(begin)))
	}
	s.add(begin)
	return nil
}

func refused(op, table, cause, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: op, Object: "table " + table, Cause: errors.New(cause), Hint: hint, Permanent: true}
}

// Pause stops reading tables until Resume, also over a restart; all that are being read where none is named.
func (s *Readings) Pause(tables ...string) error {
	return s.each("pause the snapshot of", tables, func(r *reading) {
		r.record.Paused = true
		if r.table != nil && r.table.HasKey() { // without one it is read whole, or its rows would come twice
			r.leave()
		}
	})
}

// Resume goes on with tables that were paused, or could not be read.
func (s *Readings) Resume(tables ...string) error {
	return s.each("resume the snapshot of", tables, func(r *reading) {
		r.record.Paused, r.failed, r.watched, r.waiting, r.notBefore = false, nil, false, "", time.Time{}
	})
}

// Stop gives up what is left of tables: they count as read.
func (s *Readings) Stop(tables ...string) error {
	return s.each("stop the snapshot of", tables, func(r *reading) {
		r.record.Stopped = true
		r.leave()
		r.finish(s.clock())
	})
}

// each changes tables that have work left, all or none of them.
func (s *Readings) each(op string, tables []string, change func(*reading)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(tables) == 0 {
		for id, r := range s.tables {
			if r.left() {
				tables = append(tables, id)
			}
		}
	}
	if len(tables) == 0 {
		return &fault.Error{Kind: fault.Configuration, Op: op, Object: "every table", Cause: errors.New("no snapshot is under way"),
			Hint: "to take one: rdip snapshot CONNECTOR TABLE", Permanent: true}
	}
	for _, id := range tables {
		if r := s.tables[id]; r == nil || !r.left() {
			return refused(op, id, "no snapshot of it is under way", fmt.Sprintf("to take one: rdip snapshot CONNECTOR %s", id))
		}
	}
	for _, id := range tables {
		change(s.tables[id])
		s.tables[id].changed()
	}
	s.publish()
	return nil
}

// Underway lists the tables with work left, by name.
func (s *Readings) Underway() []string {
	return slices.Sorted(maps.Keys(s.set.Load().tables))
}
