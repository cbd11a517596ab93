package judge

import (
	"slices"
	"strings"
	"testing"
)

// told is one transaction of three events, which was told twice.
func told() *Transactions {
	x := &Transactions{}
	for range 2 {
		x.Begin(7)
		for i, table := range []string{"public.a", "public.b", "public.a"} {
			x.Event(table, Record{Op: 'u', Key: "1", Tx: 7, Number: int64(i + 1)})
		}
		x.End(7, End{Total: 3, Counts: map[string]int64{"public.a": 2, "public.b": 1}})
	}
	return x
}

func TestATransactionThatIsToldTwiceAddsUpAndIsNoExactDelivery(t *testing.T) {
	if v := JudgeTransactions(told(), false); len(v.Faults) > 0 {
		t.Errorf("a lawful one is refused: %v", v.Faults)
	}
	if v := JudgeTransactions(told(), true); v.By[Replay] != 1 {
		t.Errorf("told twice is allowed: %v", v.Faults)
	}
}

func TestATransactionThatDoesNotAddUpIsFound(t *testing.T) {
	for name, plant := range map[string]func(x *Transactions){
		"an event is missing":       func(x *Transactions) { delete(x.All[7].Events, 2) },
		"the last event is missing": func(x *Transactions) { delete(x.All[7].Events, 3) },
		"a wrong count":             func(x *Transactions) { x.All[7].Ends[1].Counts = map[string]int64{"public.a": 1, "public.b": 2} },
		"a wrong sum":               func(x *Transactions) { x.All[7].Ends[1].Total = 4 },
		"a table too many":          func(x *Transactions) { x.All[7].Ends[0].Counts["public.c"] = 0 },
		"no END":                    func(x *Transactions) { x.All[7].Ends = nil },
		"a BEGIN that nothing ends": func(x *Transactions) { x.Begin(7) },
		"an END without a BEGIN":    func(x *Transactions) { x.End(7, x.All[7].Ends[0]) },
		"an event without a place":  func(x *Transactions) { x.Event("public.a", Record{Op: 'c', Tx: 7}) },
		"two events in one place":   func(x *Transactions) { x.Event("public.b", Record{Op: 'c', Tx: 7, Number: 1}) },
		"an event nobody ends":      func(x *Transactions) { x.Event("public.b", Record{Op: 'c', Tx: 8, Number: 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			x := told()
			plant(x)
			v := JudgeTransactions(x, false)
			if v.By[Counts] == 0 || !slices.ContainsFunc(v.Faults, func(f string) bool { return strings.HasPrefix(f, "judge counts: ") }) {
				t.Errorf("the judge did not see it: %v", v.Faults)
			}
		})
	}
}
