package mutants

import "rdip/integration/judge"

// exactlyOnceMutants are of Kafka transactions, and of what keeps an earlier process out.
func exactlyOnceMutants() []Mutant {
	return []Mutant{
		{Name: "positions-one-late", Says: "a Kafka transaction is committed with the positions of the one before, not with its own",
			Scenario: "exactly once, killed at commits", Judges: []string{judge.Replay},
			Edits: []Edit{
				{"connect/source/exactly_once.go", "\tmoved    atomic.Bool   // a position was reached without anything sent\n", "\tmoved    atomic.Bool   // a position was reached without anything sent\n\tbehind   []sinks.Record\n"},
				{"connect/source/exactly_once.go", "\terr = x.producer.Commit(ctx, out.records, func", "\trecords := x.behind\n\tx.behind = out.records\n\terr = x.producer.Commit(ctx, records, func"}}},
		{Name: "file-over-topic", Says: "the offsets file is believed, though the topic of positions has newer ones",
			Scenario: "exactly once, killed at commits", Judges: []string{judge.Replay},
			Edits: []Edit{{"connect/source/restore.go", "\tcase !k.stored || k.record.ExactlyOnce:\n\t\treturn topic, nil\n", "\tcase !k.stored || k.record.ExactlyOnce:\n\t\treturn file, nil\n"}}},
		{Name: "cut-a-transaction", Says: "a Kafka transaction may end inside a transaction of the source",
			Scenario: "exactly once, killed in a transaction", Judges: []string{judge.Replay},
			Edits: []Edit{{"connect/source/lane.go", "\tif l.isFull() {\n\t\tif err := l.send(); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tl.hit()\n",
				"\tif l.isFull() {\n\t\tif err := l.send(); err != nil {\n\t\t\treturn err\n\t\t}\n\t\tl.leave()\n\t\tif err := l.enter(); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tl.hit()\n"}}},
		{Name: "chunk-before-its-rows", Says: "a part of a table is in the topic of positions before its rows are in the transaction",
			Scenario: "exactly once, killed behind a window", Judges: []string{judge.Lost, judge.State},
			Edits: []Edit{
				{"connect/source/lane.go", "\t\tl.reached.chunks = append(l.reached.chunks, c)\n\t\treturn l.Flush()\n", "\t\tl.reached.chunks = append(l.reached.chunks, c)\n\t\tl.run.exact.moved.Store(true)\n\t\treturn nil\n"},
				{"connect/source/exactly_once.go", "\t\tif err := l.flushNow(); err != nil {\n", "\t\tif len(l.reached.chunks) > 0 {\n\t\t\tl.reached.take(&in)\n\t\t\tcontinue\n\t\t}\n\t\tif err := l.flushNow(); err != nil {\n"}}},
		{Name: "rest-not-kept", Says: "what a window has left of its part of a table is not stored with its rows",
			Scenario: "exactly once, killed between windows", Judges: []string{judge.Replay},
			Edits: []Edit{{"snapshot/readings.go", "\t\tr.record.Rest = c.Rest\n", ""}}},
		{Name: "signalled-window-twice", Says: "a window that a signal asked for goes out twice",
			Scenario: "exactly once, signalled", Judges: []string{judge.Replay},
			Edits: []Edit{{"snapshot/windows.go", "\tif err := w.emit(win); err != nil {\n", "\tif err := w.emit(win); err != nil {\n\t\treturn outcome{}, err\n\t}\n\tif err := w.emit(win); err != nil {\n"}}},
		{Name: "signalled-window-empty", Says: "a window that a signal asked for is done without its rows",
			Scenario: "exactly once, signalled", Judges: []string{judge.Lost, judge.State},
			Edits: []Edit{{"snapshot/windows.go", "touched || all {", "touched || !all {"}}},
		{Name: "no-fence", Says: "at least once, each process has a producer id of its own, and brokers take what an earlier one sent (K12)",
			Scenario: "late requests", Judges: []string{judge.Order, judge.Replay},
			Edits: []Edit{{"sinks/kafka/identify.go", "\tif p.coordinator == nil {\n", "\tif p.coordinator == nil || !p.config.Transactions.Required {\n"}}},
	}
}
