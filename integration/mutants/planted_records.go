package mutants

import "rdip/integration/judge"

// recordMutants are of what records say.
func recordMutants() []Mutant {
	return []Mutant{
		{Name: "toast-as-null", Says: "an unchanged large value, which the log does not carry, is shown as null", Short: true,
			Scenario: "stream", Judges: []string{judge.State},
			Edits: []Edit{{"readers/postgres/tuple.go", "row[i] = envelope.Value{State: envelope.Absent}", "row[i] = envelope.Value{}"}}},
		{Name: "no-tombstone", Says: "a delete is not followed by its tombstone", Short: true,
			Scenario: "stream", Judges: []string{judge.Tombstones},
			Edits: []Edit{{"connect/source/record.go", "if e.Op == envelope.Delete && l.run.task.Tombstones {", "if e.Op == envelope.Delete && !l.run.task.Tombstones {"}}},
		{Name: "key-change-as-update", Says: "a changed key is an update under the new key, and the old one stays",
			Scenario: "stream", Judges: []string{judge.Invented, judge.Order, judge.Lost, judge.State},
			Edits: []Edit{{"connect/source/record.go", "if !x.splits(e) {", "if !x.splits(e) || e.Before != nil {"}}},
		{Name: "before-is-after", Says: "under REPLICA IDENTITY FULL the row before an update is the row after it",
			Scenario: "stream", Judges: []string{judge.Before},
			Edits: []Edit{{"readers/postgres/rows.go", "\t\tabsent = fillAbsent(s.after, s.before, m.Old == tupleOld)\n\t}\n",
				"\t\tabsent = fillAbsent(s.after, s.before, m.Old == tupleOld)\n\t}\n\tif m.Old == tupleOld {\n\t\td.event.Before = s.after\n\t}\n"}}},
		{Name: "tombstone-elsewhere", Says: "a tombstone goes to another partition than its key's events",
			Scenario: "stream", Judges: []string{judge.Order, judge.Tombstones},
			Edits: []Edit{{"connect/source/records/batch.go", "\tr.Partition = to.Target.Partition(r.Key)\n", "\tr.Partition = to.Target.Partition(r.Key)\n\tif s.NullValue {\n\t\tr.Partition = (r.Partition + 1) % 3\n\t}\n"}}},
		{Name: "no-truncate", Says: "a TRUNCATE is passed over, though it is asked for (P14)",
			Scenario: "stream", Judges: []string{judge.Lost, judge.State},
			Edits: []Edit{{"readers/postgres/decode.go", "\t\td.event = envelope.Event{Op: envelope.Truncate, Layout: s.layout, Place: place}\n\t\tif err := d.h.Row(&d.event); err != nil {\n\t\t\treturn err\n\t\t}\n", ""}}},
		{Name: "json-without-a-column", Says: "the JSON converter leaves a column out",
			Scenario: "json", Judges: []string{judge.Schema, judge.State},
			Edits: []Edit{{"envelope/convert/reader.go", "\t\tf := &t.fields[i]\n\t\tdst = append(append(dst, separator(i, '{')), f.label...)\n",
				"\t\tf := &t.fields[i]\n\t\tif i == 3 && len(t.fields) == 4 {\n\t\t\tr.skip(&f.slot)\n\t\t\tcontinue\n\t\t}\n\t\tdst = append(append(dst, separator(i, '{')), f.label...)\n"}}},
		{Name: "savepoint-emitted", Says: "of a transaction that is received while it is in progress, what a savepoint took back is delivered",
			Scenario: "streamed", Judges: []string{judge.TakenBack},
			Edits: []Edit{{"readers/postgres/streamed.go", "\t\treturn d.spill.cut(t, m.Sub)\n", "\t\treturn nil\n"}}},
		{Name: "end-counts-off", Says: "END counts one event too few of each table",
			Scenario: "stream", Judges: []string{judge.Counts},
			Edits: []Edit{{"connect/source/owntopics/transactions.go", "Events: t.touched[i].count}", "Events: t.touched[i].count - 1}"}}},
		{Name: "stale-schema-id", Says: "a changed table's rows carry the schema id of before",
			Scenario: "stream", Judges: []string{judge.Schema},
			Edits: []Edit{{"schema/client/registrar.go", "k := key{subject, sha256.Sum256([]byte(schema))}", "k := key{subject, sha256.Sum256(nil)}"}}},
	}
}
