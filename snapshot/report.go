package snapshot

import (
	"cmp"
	"slices"
	"time"

	"rdip/offsets"
)

// ReadingState is what becomes of a table's reading now.
type ReadingState string

// The states of a reading.
const (
	ReadingQueued   ReadingState = "queued"  // its turn comes
	ReadingRunning  ReadingState = "running" // some of it went out in this run
	ReadingWaiting  ReadingState = "waiting" // see Waiting
	ReadingPaused   ReadingState = "paused"
	ReadingFailed   ReadingState = "failed" // see Waiting; tried again at the next start
	ReadingFinished ReadingState = "finished"
	ReadingStopped  ReadingState = "stopped" // by a person, before its end
)

// Report is how far the reading has come, of all tables that are read, were in this run, or were last read because
// somebody asked.
func (s *Readings) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Report{Share: Share{Left: -1}, Ended: true}
	var weight, done float64
	var here, rest int // chunks that were read in this run, and that are left
	for _, t := range s.tables {
		if t.forgotten || !t.left() && t.began.IsZero() && t.record.Why != offsets.WhyAsked {
			continue
		}
		row, elapsed := t.report(s.clock())
		r.Tables = append(r.Tables, row)
		r.Rows += row.Rows
		r.Bytes += row.Bytes
		r.Chunks += row.Chunks
		r.ChunksDone += row.ChunksDone
		if t.left() {
			r.RowsPerSecond = max(r.RowsPerSecond, row.RowsPerSecond)
			rest += max(row.Chunks-row.ChunksDone, 1)
		}
		if !t.began.IsZero() {
			here += row.ChunksDone - t.before
		}
		r.Ended = r.Ended && !t.left()
		if elapsed > 0 && (r.Started.IsZero() || t.began.Before(r.Started)) {
			r.Started = t.began
		}
		weight += float64(max(row.Chunks, 1))
		done += float64(max(row.Chunks, 1)) * row.Done
	}
	if weight > 0 {
		r.Done = done / weight
	}
	switch { // one table is read behind the other
	case r.Ended:
		r.Left = 0
	case here > 0:
		r.Left = time.Duration(float64(s.clock().Sub(r.Started)) / float64(here) * float64(rest))
	}
	slices.SortFunc(r.Tables, func(a, b TableReport) int { return cmp.Compare(a.Table, b.Table) })
	return r
}

// report is one table's part, and for how long it has been read in this run.
func (r *reading) report(now time.Time) (TableReport, time.Duration) {
	t := TableReport{Table: r.id, Estimate: -1, State: r.state(), Why: r.record.Why, By: r.record.By, Waiting: r.waiting, Owed: len(r.owed),
		Filtered: r.record.Where != "", Keys: len(r.record.Keys)}
	if r.failed != nil {
		t.Waiting = r.failed.Error()
	}
	if r.plan != nil {
		t.Estimate = r.plan.Rows
	}
	t.Rows, t.Bytes, t.Chunks, t.ChunksDone = r.record.Rows+r.out, r.bytes, r.record.Chunks, r.record.Done.Len()
	switch {
	case !r.left():
		t.Done = 1
	case t.Chunks > 0:
		t.Done = float64(t.ChunksDone) / float64(t.Chunks)
		if t.Estimate > 0 {
			t.Done = max(t.Done, float64(r.out)/float64(t.Estimate))
		}
		t.Done = min(t.Done, 0.99)
	}
	t.Left = -1
	var elapsed time.Duration
	if !r.began.IsZero() {
		until := now
		if !r.left() {
			until = r.record.Finished
		}
		elapsed = until.Sub(r.began)
		t.pace(elapsed)
		if sec := elapsed.Seconds(); sec > 0 {
			t.RowsPerSecond = float64(r.ahead+r.out) / sec
		}
		// Only what this run has read says how fast it goes.
		if here := t.ChunksDone - r.before; r.left() && t.Done > 0 {
			t.Left = -1
			if here > 0 {
				t.Left = time.Duration(float64(elapsed) / float64(here) * float64(t.Chunks-t.ChunksDone))
			}
		}
	}
	return t, elapsed
}

func (r *reading) state() ReadingState {
	switch {
	case r.record.Stopped:
		return ReadingStopped
	case !r.left():
		return ReadingFinished
	case r.failed != nil:
		return ReadingFailed
	case r.record.Paused:
		return ReadingPaused
	case r.waiting != "" && r.out == 0:
		return ReadingWaiting
	case r.plan != nil:
		return ReadingRunning
	default:
		return ReadingQueued
	}
}

// Records is every table as it would be stored now.
func (s *Readings) Records() map[string]offsets.TableSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := map[string]offsets.TableSnapshot{}
	for id, r := range s.tables {
		if image := r.image(); image != nil {
			records[id] = *image
		}
	}
	return records
}
