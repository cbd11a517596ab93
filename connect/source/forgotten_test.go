package source

import "testing"

// G8, P18: a table that is dropped and made again every night leaves nothing of its former layouts behind.
func TestALayoutIsForgottenWithTheTableThatHadTheName(t *testing.T) {
	l := brokerLane(t, "20000")
	for oid := range uint64(100) {
		for _, table := range []string{"orders", "notes"} {
			if err := l.Table(named(table, oid+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(l.encodings) != 2 {
		t.Errorf("%d layouts of 2 tables are kept", len(l.encodings))
	}
}
