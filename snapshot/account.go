package snapshot

import (
	"rdip/envelope"
	"rdip/offsets"
)

// note keeps account of a row of the log: of a table that is being read, given in part or whole again.
func (s *Readings) note(r *reading, e *envelope.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.left() || r.overrun {
		return
	}
	if e.Op == envelope.Truncate {
		clear(r.owed)
		r.changed()
		return
	}
	partial := hasAbsent(e)
	if len(r.owed) == 0 && !(partial && r.gathers) {
		return
	}
	had := false
	s.old, s.now = s.old[:0], s.now[:0]
	var ok bool
	if e.After != nil {
		if s.now, ok = appendKey(s.now, e.Layout.Table, e.After, e.Before); !ok {
			return
		}
	}
	if e.Before != nil {
		if s.old, ok = appendKey(s.old, e.Layout.Table, e.Before, nil); ok && (e.After == nil || string(s.old) != string(s.now)) {
			had = r.forgive(s.old)
		}
	}
	if e.After == nil {
		return
	}
	if !partial {
		r.forgive(s.now)
		return
	}
	if _, owed := r.owed[string(s.now)]; !owed && (r.gathers || had) {
		s.owe(r, s.now)
	}
}

// forgive takes a key that is not owed any more, and says whether it was.
func (r *reading) forgive(key []byte) bool {
	if _, owed := r.owed[string(key)]; !owed {
		return false
	}
	delete(r.owed, string(key))
	r.changed()
	return true
}

// hasAbsent says whether the log left a column of the new row out.
func hasAbsent(e *envelope.Event) bool {
	for i := range e.After {
		if e.After[i].State == envelope.Absent && !e.Layout.Table.Columns[i].Omitted {
			return true
		}
	}
	return false
}

// sent takes up a window whose rows went out, but for those that are gone.
func (s *Readings) sent(w *window, gone map[string]struct{}, all bool, rows int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := w.reading
	r.bytes += int64(len(w.buffer.arena))
	r.ahead += rows
	given := func(key string) {
		if _, touched := gone[key]; touched || all {
			return
		}
		if at, owed := r.owed[key]; owed && at == 0 {
			r.owed[key] = w.number
		}
	}
	if len(r.owed) > 0 {
		for _, row := range w.buffer.rows {
			given(string(w.buffer.keyOf(row)))
		}
		if w.last {
			for _, key := range w.keys { // one that is not there was deleted, and the log has said so
				given(key)
			}
		}
	}
	if w.last && w.chunk.Index >= 0 {
		s.chunkSent(r, w.chunk.Index)
	}
	r.changed()
}

// chunkSent: once every chunk went out, each row that is not owed is known to the topics, so that what the log
// leaves out of it later is known too.
func (s *Readings) chunkSent(r *reading, index int) {
	r.sent.Add(index)
	r.rest = nil
	r.gathers = r.nextChunk() != nil
}

// nextChunk is the first chunk of the plan that has not gone out; nil where all have.
func (r *reading) nextChunk() *Chunk {
	if r.plan == nil {
		return nil
	}
	for i := range r.plan.Chunks {
		if c := &r.plan.Chunks[i]; !r.record.Done.Has(c.Index) && !r.sent.Has(c.Index) {
			return c
		}
	}
	return nil
}

// number gives a new window its number.
func (s *Readings) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window++
	return s.window
}

// work is what to read of a table next: what is left of a chunk, keys that are owed, or the next chunk.
func (s *Readings) work(r *reading) (c Chunk, keys []string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := r.nextChunk()
	// By turns, since rows that change all the time are owed again and again until every chunk has gone out.
	byKey := r.byKey
	r.byKey = false
	if due := r.owed.due(); due > owedAtOnce && !byKey || due > 0 && next == nil {
		r.byKey = true
		return Chunk{Table: r.table, Index: -1}, r.owed.take(), true
	}
	if r.rest != nil {
		return *r.rest, nil, true
	}
	if next == nil {
		return Chunk{}, nil, false
	}
	return *next, nil, true
}

// cut keeps what did not fit into a window that went out.
func (s *Readings) cut(r *reading, rest *Chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.rest = rest
}

// adopt takes up a table's plan: a new one where same is false, which begins it anew. rest is what is left of the chunk
// under way, nil for the whole of it.
func (s *Readings) adopt(r *reading, p *TablePlan, rest *Chunk, same bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.overrun { // the plan is older than rows that were given in part, and are not known any more
		return
	}
	if !same || len(p.Chunks) != r.record.Chunks {
		r.record.Done, r.record.Rest, rest = offsets.Ranges{}, nil, nil
	}
	r.sent, r.rest, r.from = offsets.Ranges{}, rest, s.window+1
	r.table, r.plan = p.Table, p
	r.planned(p, s.clock())
	if r.began.IsZero() {
		r.began, r.before = s.clock(), r.record.Done.Len()
	}
	r.gathers = r.nextChunk() != nil
}

// restOf is what was stored as left of the chunk under way.
func (s *Readings) restOf(r *reading) *offsets.ChunkRest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return r.record.Rest
}

// again drops a table's plan, so that it is planned anew.
func (s *Readings) again(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.record.Plan, r.record.Chunks, r.record.Done, r.record.Rest = "", 0, offsets.Ranges{}, nil
	r.plan, r.rest, r.sent, r.gathers, r.overrun, r.from = nil, nil, offsets.Ranges{}, true, false, s.window+1
	r.out, r.waiting = 0, ""
	clear(r.owed)
	r.changed()
	s.publish()
}

// over finishes a table of which nothing is left and nothing is under way.
func (s *Readings) over(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.left() && !r.overrun && len(r.owed) == 0 && r.nextChunk() == nil && r.record.Done.Len() >= r.record.Chunks {
		r.finish(s.clock())
		s.publish()
	}
}
