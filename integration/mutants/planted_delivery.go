package mutants

import "rdip/integration/judge"

// deliveryMutants are of the way from acknowledgements to the source: positions, confirmations, restarts.
func deliveryMutants() []Mutant {
	return []Mutant{
		{Name: "confirm-before-fsync", Says: "the source is told a position before the offsets file has it",
			Scenario: "killed before the file", Judges: []string{confirmed},
			Edits: []Edit{{"connect/source/commit.go", "\tfailpoint.Hit(failpoint.Acked)\n", "\tr.reader.Confirm(p)\n\tfailpoint.Hit(failpoint.Acked)\n"}}},
		{Name: "ack-before-kafka", Says: "a batch counts as acknowledged once it is given to the producer",
			Scenario: "broker frozen", Judges: []string{judge.Lost},
			Edits: []Edit{
				{"connect/source/lane.go", "\terr := l.run.producer.Send(l.ctx, batch)\n", "\ttoken := batch.Token\n\terr := l.run.producer.Send(l.ctx, batch)\n\t_ = l.tracker.Ack(token)\n"},
				{"connect/source/run.go", "if err := from.lane.tracker.Ack(token); err != nil {", "if err := from.lane.tracker.Ack(token); err != nil && token == 0 {"}}},
		{Name: "checkpoint-at-begin", Says: "a transaction's end is the position from its first batch on",
			Scenario: "killed in a transaction", Judges: []string{judge.Lost, judge.Torn, judge.State},
			Edits: []Edit{{"connect/source/lane.go", "\tl.tx = *tx\n", "\tl.tx = *tx\n\tif !l.snapshot && tx.Place > 0 {\n\t\tl.last = offsets.Position{Place: tx.Place + 1}\n\t}\n"}}},
		{Name: "drop-by-equal-lsn", Says: "a transaction whose commit record begins at the position counts as delivered",
			Scenario: "killed at a commit", Judges: []string{judge.Lost},
			Edits: []Edit{{"readers/postgres/decode.go", "if m.Final < d.from {", "if m.Final <= d.from {"}}},
		{Name: "resume-one-late", Says: "the first transaction after a start is passed over",
			Scenario: "stops", Judges: []string{judge.Lost, judge.State},
			Edits: []Edit{{"readers/postgres/decode.go", "if m.Final < d.from {\n", "if m.Final < d.from || d.end == d.from {\n\t\td.end++\n"}}},
		{Name: "keepalive-confirms-received", Says: "a status update confirms what was received, not what is durable",
			Scenario: "broker frozen", Judges: []string{confirmed},
			Edits: []Edit{{"readers/postgres/keepalive.go", "k.confirmed, k.sentAt = k.wire.confirmed.Load(), time.Now()", "k.confirmed, k.sentAt = max(k.wire.confirmed.Load(), k.wire.read.Load()), time.Now()"}}},
		{Name: "stopped-table-not-held", Says: "the source may discard what a stopped table has still to see",
			Scenario: "row refused", Judges: []string{confirmed},
			Edits: []Edit{{"connect/source/ledger.go", "if s, ok := g.oldestStop(); ok && s.Place < p.Place {", "if s, ok := g.oldestStop(); ok && s.Place > p.Place {"}}},
		{Name: "swallow-refused-row", Says: "a row that cannot be handed over is left out, and its table goes on",
			Scenario: "row refused", Judges: []string{judge.Lost},
			Edits: []Edit{{"connect/source/deadletter.go", "return errors.Join(l.stop(x, why), l.passRefused(x))", "return errors.Join(nil, l.passRefused(x))"}}},
		{Name: "swallow-dead-letter", Says: "a dead letter is counted, and written nowhere",
			Scenario: "dead letters", Judges: []string{judge.Lost, judge.Counts},
			Edits: []Edit{{"connect/source/deadletter.go", "\tif !skipped {\n", "\tif skipped {\n"}}},
		{Name: "letter-not-counted", Says: "a dead letter is left out of its transaction's event_count",
			Scenario: "dead letters", Judges: []string{judge.Counts},
			Edits: []Edit{{"connect/source/missing.go", "\tfor range n {\n\t\tt.Next(&l.tx, c)\n\t}\n", "\tfor range n - 1 {\n\t\tt.Next(&l.tx, c)\n\t}\n"}}},
		{Name: "forget-prepared", Says: "at COMMIT PREPARED the rows of the prepared transaction are forgotten (P37)",
			Scenario: "prepared", Judges: []string{judge.Lost, judge.State},
			Edits: []Edit{{"readers/postgres/prepared.go", "\treturn d.deliver(place, t, commitMessage{LSN: m.LSN, End: m.End, Micros: m.Micros})\n", "\td.spill.drop(t)\n\treturn nil\n"}}},
		{Name: "swallow-refused-batch", Says: "a batch that the broker refuses for its size counts as delivered",
			Scenario: "topic shrunk", Judges: []string{judge.Lost},
			Edits: []Edit{{"sinks/kafka/settle.go", "\tcase became == lost:\n", `	case became == lost && errors.Is(cause, sarama.ErrMessageSizeTooLarge):
		out.done = append(out.done, g)
		q.sequence -= int32(len(g.entries))
		q.sent, q.attempts, q.refusals, q.place = nil, 0, 0, nowhere
		if !q.isEmpty() {
			q.sender.push(q)
		}
	case became == lost:
`}}},
		{Name: "reorder-on-retry", Says: "a batch that has to be sent again goes behind what waits",
			Scenario: "connections cut", Judges: []string{judge.Order, judge.Replay},
			Edits: []Edit{{"sinks/kafka/sender.go", "\t\tif q.sent == nil {\n", `		if q.sent != nil && q.attempts > 0 && !q.isEmpty() {
			q.waiting = append(q.waiting, q.sent.entries...)
			for _, e := range q.sent.entries {
				q.bytes += int(e.size)
			}
			q.sequence, q.sent = q.sequence-int32(len(q.sent.entries)), nil
		}
		if q.sent == nil {
`}}},
	}
}
