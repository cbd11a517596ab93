package judge

// emptied are the keys that each transaction's TRUNCATE took with it.
func (e *Evidence) emptied() map[int64][]string {
	out := map[int64][]string{}
	if len(e.Truncates) == 0 {
		return out
	}
	for key, history := range e.History {
		for _, c := range history {
			if c.Op == 't' {
				out[c.Tx] = append(out[c.Tx], key)
			}
		}
	}
	return out
}

// judgeTruncates: each TRUNCATE that was committed is in the stream once, or before it, and no other (P14). What it does to
// each row that it took is judged with that row's history, and in the fold.
func judgeTruncates(e *Evidence, stream [][]Record, byKey map[string][]Record, v *Verdict) {
	in, present := map[int64]int{}, map[int64]bool{}
	for _, partition := range stream {
		for _, r := range partition {
			present[r.Tx] = true
			if r.Op == 't' {
				in[r.Tx]++
			}
		}
	}
	first := firstTransaction(byKey)
	for _, c := range e.Truncates {
		switch _, late := behind([]Committed{c}, first); {
		case in[c.Tx] > 1:
			v.fault(Invented, "transaction %d has %d times TRUNCATE", c.Tx, in[c.Tx])
		case in[c.Tx] == 0 && present[c.Tx] && !e.Added:
			v.fault(Torn, "transaction %d is in the stream without its TRUNCATE", c.Tx)
		case in[c.Tx] == 0 && late:
			v.fault(Lost, "the TRUNCATE of transaction %d is not in the stream, and was made when transaction %d had ended, which is", c.Tx, first)
		}
		delete(in, c.Tx)
	}
	for tx := range in {
		v.fault(Invented, "the TRUNCATE of transaction %d was never committed", tx)
	}
}
