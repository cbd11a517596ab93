package judge

import (
	"slices"
	"strings"
	"testing"
)

// poisoned is lawful evidence of exactly once, in which the second change of key 1 is a dead letter, and a changed row 3.
func poisoned() *Evidence {
	e := once()
	rs := e.Partitions[0]
	at := slices.IndexFunc(rs, func(r Record) bool { return r.Op == 'u' && r.Tx == 30 })
	letter := rs[at]
	e.Partitions[0] = slices.Delete(slices.Clone(rs), at, at+1)
	row := Columns{"id": "3", "version": "9", "note": "n9"}
	e.History["3"] = append(e.History["3"], Committed{Op: 'u', Tx: 50, Over: 50, Row: row, Fields: "id,note,version"})
	e.Final["3"] = row
	e.Letters = []Record{letter, {Op: 'u', Key: "3", Tx: 50, Before: Columns{"id": "3", "version": "6", "note": "n6"}, After: row, Fields: "id,note,version"}}
	return e
}

// D8: a row that is a dead letter is delivered, and one that is in neither topic is lost.
func TestADeadLetterStandsForTheRowThatItsTopicLacks(t *testing.T) {
	if v := Judge(poisoned()); len(v.Faults) > 0 {
		t.Fatalf("lawful evidence is refused: %s", strings.Join(v.Faults, "\n"))
	}
	for name, c := range map[string]struct {
		judge string
		plant func(e *Evidence)
	}{
		"a letter in the middle is swallowed":      {Lost, func(e *Evidence) { e.Letters = e.Letters[1:] }},
		"the newest is swallowed":                  {Lost, func(e *Evidence) { e.Letters = e.Letters[:1] }},
		"a letter of what the topic has":           {Invented, func(e *Evidence) { e.Letters = append(e.Letters, e.Partitions[0][2]) }},
		"a letter twice":                           {Replay, func(e *Evidence) { e.Letters = append(e.Letters, e.Letters[0]) }},
		"a letter with another value":              {State, func(e *Evidence) { e.Letters[1].After = Columns{"id": "3", "version": "9", "note": "other"} }},
		"a letter without a column of its table":   {Schema, func(e *Evidence) { e.Letters[1].Fields = "id,version" }},
		"a letter with another row before":         {Before, func(e *Evidence) { e.Letters[1].Before = Columns{"id": "3", "version": "6", "note": "other"} }},
		"a letter of what was rolled back, or not": {Invented, func(e *Evidence) { e.Letters[1].Tx = 51 }},
	} {
		t.Run(name, func(t *testing.T) {
			e := poisoned()
			c.plant(e)
			if v := Judge(e); v.By[c.judge] == 0 {
				t.Errorf("judge %s found nothing: %s", c.judge, strings.Join(v.Faults, "\n"))
			}
		})
	}
	e := poisoned()
	e.Exactly, e.Letters = false, append(e.Letters, e.Letters[0])
	if v := Judge(e); len(v.Faults) > 0 || v.Repeated != 1 {
		t.Errorf("at least once, a letter comes twice: %d, %s", v.Repeated, strings.Join(v.Faults, "\n"))
	}
}

// D8: a dead letter has a place in its transaction, and is counted by its END.
func TestADeadLetterIsCountedInItsTransaction(t *testing.T) {
	letter := Record{Op: 'u', Key: "4", Tx: 7}
	lettered := func(total, ofA int64) *Transactions {
		x := told()
		delete(x.All[7].Events, 2) // of b
		x.Letter("public.b", letter)
		x.Letter("public.b", letter)
		for i := range x.All[7].Ends {
			x.All[7].Ends[i] = End{Total: total, Counts: map[string]int64{"public.a": ofA, "public.b": total - ofA}}
		}
		return x
	}
	if v := JudgeTransactions(lettered(3, 2), false); len(v.Faults) > 0 {
		t.Errorf("a lawful one is refused: %v", v.Faults)
	}
	swallowed, beyond := lettered(3, 2), lettered(3, 2)
	swallowed.All[7].Letters = nil
	beyond.All[7].Events[5] = beyond.All[7].Events[3]
	delete(beyond.All[7].Events, 3)
	for name, x := range map[string]*Transactions{"END does not count it": lettered(2, 2), "it is not there": swallowed, "a place behind all": beyond} {
		if v := JudgeTransactions(x, false); v.By[Counts] == 0 {
			t.Errorf("%s, and nobody said so", name)
		}
	}
}
