package judge

// judgeOvertaken: rows of a snapshot and the stream's changes of the same key are in the order of their commits. A row
// that is older than a change before it would be taken for the newer state by whoever folds the topic; a change behind
// a row that has it already was not to come any more, or the row came too soon (P67). What the stream repeats is
// judged by replays.
func judgeOvertaken(e *Evidence, v *Verdict) {
	type seen struct{ changed, read int } // the newest place in the key's history, and 1; 0 for none
	emptied := e.emptied()
	for _, partition := range e.Partitions {
		keys := map[string]seen{}
		for _, r := range partition {
			if r.Op == 'T' {
				continue
			}
			if r.Op == 't' {
				for _, key := range emptied[r.Tx] {
					s := keys[key]
					s.changed = max(s.changed, placeOf(r, e.History[key], s.changed))
					keys[key] = s
				}
				continue
			}
			history, s := e.History[r.Key], keys[r.Key]
			if r.Op == 'r' {
				at := indexOf(r, history) + 1
				if at > 0 && at < s.changed {
					v.fault(Order, "%v is a row of a snapshot, and came after a newer change of its key", r)
				}
				s.read = max(s.read, at)
			} else if at := placeOf(r, history, s.changed); at > s.changed {
				if at <= s.read {
					v.fault(Order, "%v came after a row of a snapshot that is as new or newer", r)
				}
				s.changed = at
			}
			keys[r.Key] = s
		}
	}
}

// placeOf is the place, and 1, of a change in its key's history; those from newest on are looked at first. 0 where
// nobody committed it.
func placeOf(r Record, history []Committed, newest int) int {
	for i := newest; i < len(history); i++ {
		if is(r, history[i]) {
			return i + 1
		}
	}
	for i := range min(newest, len(history)) {
		if is(r, history[i]) {
			return i + 1
		}
	}
	return 0
}
