package postgres

import "testing"

// Debezium captures its signalling table whatever the lists say; ours is in no snapshot where they do not choose it.
func TestTheSignalTableIsCapturedWhateverTheListsSay(t *testing.T) {
	for _, c := range []struct {
		name, tables, not  string
		schemas, signals   string
		captured, chosenBy bool
	}{
		{name: "named by no list", tables: `public\.items`, signals: "ops.signals", captured: true},
		{name: "left out", not: `ops\..*`, signals: "ops.signals", captured: true},
		{name: "in a schema that is not in the list", schemas: "public", signals: "ops.signals", captured: true},
		{name: "chosen", tables: `.*`, signals: "ops.signals", captured: true, chosenBy: true},
		{name: "without lists", signals: "ops.signals", captured: true, chosenBy: true},
		{name: "another table", tables: `public\.items`, signals: "ops.signal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := &Config{TableInclude: patterns(t, c.tables), TableExclude: patterns(t, c.not), SchemaInclude: patterns(t, c.schemas), SignalTable: c.signals}
			if got := newFilter(config).captured("ops", "signals"); got != c.captured {
				t.Errorf("captured is %v", got)
			}
			if c.captured && config.SignalsOnly() == c.chosenBy {
				t.Errorf("for its signals only is %v", config.SignalsOnly())
			}
		})
	}
}

func TestASignalTableThatIsMissingIsFoundWithTheStatementThatMakesIt(t *testing.T) {
	config := &Config{SignalTable: "ops.Signals"}
	there := &captured{units: []*unit{{table: &table{Schema: "ops", Name: "Signals"}}}}
	if fs := config.signalFindings(there); len(fs) != 0 {
		t.Errorf("%v", fs)
	}
	fs := config.signalFindings(&captured{})
	if len(fs) != 1 || fs[0].Fix != `CREATE TABLE "ops"."Signals" (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))` {
		t.Errorf("%v", fs)
	}
}
