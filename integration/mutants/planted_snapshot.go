package mutants

import "rdip/integration/judge"

// snapshotMutants are of the reading of tables.
func snapshotMutants() []Mutant {
	return []Mutant{
		{Name: "forget-one-chunk", Says: "a chunk that is done takes the one behind it with it",
			Scenario: "killed copy", Judges: []string{judge.Lost, judge.State},
			Edits: []Edit{{"snapshot/readings.go", "\t\tr.record.Done.Add(c.Index)\n", "\t\tr.record.Done.Add(c.Index)\n\t\tr.record.Done.Add(c.Index + 1)\n"}}},
		{Name: "end-before-last-ack", Says: "the copy is marked as complete before its last rows are acknowledged",
			Scenario: "killed at the copy's end", Judges: []string{judge.Lost, judge.State},
			Edits: []Edit{{"connect/source/run.go", "if err := drained(ctx, lanes...); err != nil {", "if err := drained(ctx); err != nil {"}}},
		{Name: "forget-delivered", Says: "what was delivered before a window is forgotten: the low watermark, here by the transactions' ids, is lost",
			Scenario: "unseen commits", Judges: []string{judge.State, judge.Order},
			Edits: []Edit{{"snapshot/delivered.go", "\t\t\tid, ok = base*64+i, true\n", "\t\t\tid = base*64 + i\n"}}},
		{Name: "forget-in-progress", Says: "transactions that were open when the reading began do not hold it back",
			Scenario: "unseen commits", Judges: []string{judge.State, judge.Order},
			Edits: []Edit{{"snapshot/settle.go", "\t\t\tblocker, blocked = id, true\n", "\t\t\tblocker = id\n"}}},
		{Name: "window-by-lsn", Says: "a view sees what lies before it in the log, visible or not",
			Scenario: "unseen commits", Judges: []string{judge.State, judge.Order},
			Edits: []Edit{{"readers/postgres/live_view.go", "\tswitch {\n\tcase full < v.xmin:\n", "\tswitch {\n\tcase v.tx.Place > 0:\n\t\treturn place < v.tx.Place\n\tcase full < v.xmin:\n"}}},
		{Name: "window-before-its-mark", Says: "a window's rows go out before the stream has come to its high mark",
			Scenario: "windows under load", Judges: []string{judge.Order},
			Edits: []Edit{{"snapshot/window.go", "if high == 0 || place < high {", "if high == 0 {"}}},
		{Name: "forget-owed-key", Says: "a row that the log gave without its large value is not read by key",
			Scenario: "large values", Judges: []string{judge.State},
			Edits: []Edit{{"snapshot/owed.go", "\t\tr.owed[string(key)] = 0\n", ""}}},
	}
}
