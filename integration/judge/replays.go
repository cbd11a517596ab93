package judge

import (
	"fmt"
	"slices"
)

// replays takes the repetitions out of each partition's stream, and finds those that G2 does not allow: a
// repetition begins with the first record of a transaction, and goes over everything from there in the same
// order, to where the stream had been or to the next restart.
func replays(e *Evidence, v *Verdict) [][]Record {
	out := make([][]Record, len(e.Partitions))
	for i, partition := range e.Partitions {
		out[i] = replaysOf(partition, v)
	}
	return out
}

func replaysOf(partition []Record, v *Verdict) []Record {
	var canon []Record
	place := map[string]int{} // of what is in canon
	next := 0                 // the record of canon that is due; len(canon) for a new one
	previous := ""
	for _, r := range partition {
		v.Records++
		if r.Op == 'r' {
			continue // a chunk that is read again repeats whole states, in no order of the stream
		}
		id := fmt.Sprintf("%c %s %s %d %d", r.Op, r.Key, r.Row()["version"], r.Tx, r.LSN)
		if r.Op == 'T' {
			id = "tombstone after " + previous
		}
		previous = id
		at, seen := place[id]
		switch {
		case seen && at == next:
		case seen:
			v.Restarts++
			if at > next {
				v.fault("disorder: %v comes again after a repetition left out the %d records before it", r, at-next)
			} else if at > 0 && lastChange(canon[:at]).Tx == r.Tx {
				v.fault("disorder: a repetition begins with %v, inside its transaction", r)
			}
		case next < len(canon):
			v.fault("disorder: %v is new, and comes in a repetition that has not come to its end", r)
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
		v.fault("disorder: the stream ends in a repetition, %d records before where it had been", len(canon)-next)
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
