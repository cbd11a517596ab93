package judge

import "slices"

// replays takes the repetitions out of each partition's stream, and finds those that G2 does not allow: a
// repetition begins with the first record of a transaction, and goes over everything from there in the same
// order, to where the stream had been or to the next restart. Where nothing may come twice, none is allowed.
func replays(e *Evidence, v *Verdict) [][]Record {
	out := make([][]Record, len(e.Partitions))
	for i, partition := range e.Partitions {
		out[i] = replaysOf(partition, e.Exactly, v)
	}
	return out
}

// replayed tells records apart: one that is the same in all of it came twice.
type replayed struct {
	op           byte
	key, version string
	tx, lsn      int64
}

func replaysOf(partition []Record, exactly bool, v *Verdict) []Record {
	var canon []Record
	place := map[replayed]int{} // of what is in canon
	next := 0                   // the record of canon that is due; len(canon) for a new one
	var previous replayed
	for _, r := range partition {
		v.Records++
		if r.Op == 'r' {
			continue // a chunk that is read again repeats whole states, in no order of the stream
		}
		id := replayed{op: r.Op, key: r.Key, version: r.Row()["version"], tx: r.Tx, lsn: r.LSN}
		if r.Op == 'T' {
			id = previous
			id.op = 'T'
		}
		previous = id
		at, seen := place[id]
		switch {
		case seen && at == next: // the repetition goes on
		case seen:
			v.Restarts++
			if exactly {
				v.fault(Replay, "%v comes twice", r)
			} else if at > next {
				v.fault(Replay, "%v comes again after a repetition left out the %d records before it", r, at-next)
			} else if at > 0 && lastChange(canon[:at]).Tx == r.Tx {
				v.fault(Replay, "a repetition begins with %v, inside its transaction", r)
			}
		case next < len(canon):
			v.fault(Replay, "%v is new, and comes in a repetition that has not come to its end", r)
			at = len(canon)
		default:
			at = len(canon)
		}
		if seen {
			v.Repeated++
		} else {
			place[id] = at
			canon = append(canon, r)
		}
		next = at + 1
	}
	if next < len(canon) {
		v.fault(Replay, "the stream ends in a repetition, %d records before where it had been", len(canon)-next)
	}
	return canon
}

// lastChange is the last change of a stream; a tombstone has no transaction of its own.
func lastChange(stream []Record) Record {
	for _, r := range slices.Backward(stream) {
		if r.Op != 'T' {
			return r
		}
	}
	return Record{}
}
