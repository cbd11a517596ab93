package judge

// merged puts dead letters in their places among the changes of each key's stream, where the source committed them (D8): what
// is a letter is delivered, and its row and columns are judged as those of the others. Nothing orders letters against the
// records of the table's own topic, so that their place is that of the history.
func merged(e *Evidence, byKey map[string][]Record, v *Verdict) {
	letters := map[string][]Record{}
	known := map[replayed]bool{}
	for _, r := range e.Letters {
		id := replayed{op: r.Op, key: r.Key, version: r.Row()["version"], tx: r.Tx}
		if known[id] {
			v.Repeated++
			if e.Exactly {
				v.fault(Replay, "the dead letter %v comes twice", r)
			}
			continue
		}
		known[id] = true
		letters[r.Key] = append(letters[r.Key], r)
	}
	for key, of := range letters {
		var left []Record
		byKey[key], left = merge(byKey[key], of, e.History[key])
		for _, r := range left {
			v.fault(Invented, "the dead letter %v is of no change that is not in the topic", r)
		}
	}
}

// merge goes through a key's history, and gives those letters that have no place in it back.
func merge(changes, letters []Record, history []Committed) (all, left []Record) {
	for _, c := range history {
		if len(changes) > 0 && is(changes[0], c) {
			all, changes = append(all, changes[0]), changes[1:]
			continue
		}
		for i, r := range letters {
			if is(r, c) {
				all, letters = append(all, r), append(append([]Record(nil), letters[:i]...), letters[i+1:]...)
				break
			}
		}
	}
	return append(all, changes...), letters
}

// lettered are the keys that have dead letters: the topic's fold is not the table's row where the newest change is one.
func (e *Evidence) lettered() map[string]bool {
	keys := map[string]bool{}
	for _, r := range e.Letters {
		keys[r.Key] = true
	}
	return keys
}
