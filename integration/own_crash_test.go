package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// toldTransaction is what the topics have of one transaction: its events by their numbers, and its records in the
// transaction topic.
type toldTransaction struct {
	events map[int64]string // total_order to the table that has it
	ends   []string
	open   bool // the last record is BEGIN
}

// P42, D1: a kill in the middle of a transaction, and anywhere else on the way of its records, leaves every END
// with counts that add up: a transaction is told again as a whole, or not.
func TestCountsOfTransactionsAddUpWhereverTheDaemonIsKilled(t *testing.T) {
	r := harness.NewRun(t, 15)
	r.Tags, r.CutOff = []string{"failpoints"}, true
	r.Setup = r.With("connectors.shop.provide.transaction.metadata", "true", "connectors.shop.snapshot.mode", "no_data")
	random := rand.New(rand.NewPCG(r.Seed, 7))
	harness.Binary(t, r.Tags...) // before the workload begins
	r.Streaming(t).Stop(t)       // the slot and its position are there
	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
	for _, c := range []harness.Crash{{Point: failpoint.MidTransaction, N: 1 + random.IntN(500)}, {Point: failpoint.Produced, N: 1 + random.IntN(30)},
		{Point: failpoint.MidTransaction, N: 1 + random.IntN(500)}, {Point: failpoint.Acked, N: 1 + random.IntN(10)}, {Point: failpoint.Stored, N: 1 + random.IntN(10)}} {
		r.Crash(t, c, random)
	}
	w.Finish(t)
	last := *r.Setup
	last.Tags = nil
	d := last.Start(t)
	d.WaitFor(t, "state=streaming")
	r.Converge(t)
	if code := d.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	told := told(r, t)
	faults := judgeTold(told)
	if len(faults) > 0 {
		t.Error(strings.Join(faults, "\n"))
	}
	twice := 0
	for _, x := range told {
		if len(x.ends) > 1 {
			twice++
		}
	}
	t.Logf("%d transactions, %d of them told more than once", len(told), twice)
	if len(told) == 0 || twice == 0 {
		t.Error("nothing came twice: no kill hit between a delivery and its position")
	}
}

// told reads the transactions from all topics.
func told(r *harness.Run, t *testing.T) map[string]*toldTransaction {
	t.Helper()
	all := map[string]*toldTransaction{}
	named := func(xid string) *toldTransaction {
		if all[xid] == nil {
			all[xid] = &toldTransaction{events: map[int64]string{}}
		}
		return all[xid]
	}
	for _, table := range workload.Tables {
		for _, e := range decodedTopic(r.Pipeline, t, r.Prefix+".public."+table.Name) {
			if e.Value == nil {
				continue // a tombstone
			}
			b, ok := blockOf(t, e.Value)
			if !ok {
				t.Fatalf("an event of %s without a block: %v", table.Name, e.Value["source"])
			}
			x, name := named(b.xid), "public."+table.Name
			if had := x.events[b.total]; had != "" && had != name {
				t.Errorf("event %d of transaction %s is one of %s and of %s", b.total, b.xid, had, name)
			}
			x.events[b.total] = name
		}
	}
	for _, e := range decodedTopic(r.Pipeline, t, r.Prefix+".transaction") {
		xid, _, _ := strings.Cut(e.Value["id"].(string), ":")
		x := named(xid)
		if e.Value["status"] == "END" {
			x.ends = append(x.ends, countsOf(e.Value))
			if !x.open {
				t.Errorf("an END of transaction %s without a BEGIN before it", xid)
			}
		}
		x.open = e.Value["status"] == "BEGIN"
	}
	return all
}

// judgeTold lists what does not add up.
func judgeTold(all map[string]*toldTransaction) []string {
	var faults []string
	for xid, x := range all {
		counts := map[string]int{}
		for i := range int64(len(x.events)) {
			table := x.events[i+1]
			if table == "" {
				faults = append(faults, fmt.Sprintf("transaction %s: event %d of %d is missing", xid, i+1, len(x.events)))
			}
			counts[table]++
		}
		if len(x.ends) == 0 || x.open {
			faults = append(faults, fmt.Sprintf("transaction %s: %d times END, and the last record is BEGIN: %t", xid, len(x.ends), x.open))
		}
		for _, end := range x.ends {
			total, list, _ := strings.Cut(end, " ")
			right := total == fmt.Sprint(len(x.events)) && strings.Count(list, ",") == len(counts)-1
			for table, n := range counts {
				right = right && strings.Contains(","+list+",", fmt.Sprintf(",%s=%d,", table, n))
			}
			if !right {
				faults = append(faults, fmt.Sprintf("transaction %s: END says %s, and its events are %v", xid, end, counts))
			}
		}
	}
	return faults
}

// The judge itself must be able to fail.
func TestATransactionThatDoesNotAddUpIsFound(t *testing.T) {
	lawful := func() *toldTransaction {
		return &toldTransaction{events: map[int64]string{1: "public.a", 2: "public.b", 3: "public.a"}, ends: []string{"3 public.a=2,public.b=1", "3 public.a=2,public.b=1"}}
	}
	if faults := judgeTold(map[string]*toldTransaction{"7": lawful()}); len(faults) > 0 {
		t.Errorf("a lawful one is refused: %v", faults)
	}
	for name, plant := range map[string]func(*toldTransaction){
		"an event is missing":       func(x *toldTransaction) { delete(x.events, 2) },
		"the last event is missing": func(x *toldTransaction) { delete(x.events, 3) },
		"a wrong count":             func(x *toldTransaction) { x.ends[1] = "3 public.a=1,public.b=2" },
		"a table too many":          func(x *toldTransaction) { x.ends[0] += ",public.c=0" },
		"no END":                    func(x *toldTransaction) { x.ends = nil },
		"a BEGIN that nothing ends": func(x *toldTransaction) { x.open = true },
	} {
		t.Run(name, func(t *testing.T) {
			x := lawful()
			plant(x)
			if len(judgeTold(map[string]*toldTransaction{"7": x})) == 0 {
				t.Error("the judge did not see it")
			}
		})
	}
}
