package connect

import (
	"strings"
	"testing"

	"rdip/connect/rest"
	"rdip/connect/source"
	"rdip/connect/source/deadletter"
)

// P68: whoever reads that the source keeps much log learns which stopped table it is kept for, and what lets it go.
func TestAWarningOfRetainedLogNamesTheTableThatHoldsItBack(t *testing.T) {
	s := &source.Status{Tables: []source.TableStatus{{Table: "public.orders"}, {Table: "public.late", Retained: 10}, {Table: "public.items", Retained: 700}}}
	for _, c := range []struct {
		name            string
		status          *source.Status
		retained, limit int64
		words           []string
	}{
		{"by a table, of a limit", s, 800, 1000, []string{"80% of the limit", "700 of them for table public.items", "rdip resume shop public.items", "quarantine.max.retained.bytes"}},
		{"by a table, without a limit", s, 800, -1, []string{"has no limit", "700 of them for table public.items", "rdip resume shop public.items"}},
		{"by none", &source.Status{}, 800, 1000, []string{"80% of the limit", "rdip resume shop)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, ok := alarmOf(c.retained, c.limit, 500).finding("shop", c.retained, c.limit, holding(c.status))
			if !ok {
				t.Fatal("nothing is warned of")
			}
			for _, word := range c.words {
				if !strings.Contains(f.String(), word) {
					t.Errorf("%q is not in: %s", word, f)
				}
			}
		})
	}
}

func TestDeadLettersAndSkippedRowsOfATableAreAddedUp(t *testing.T) {
	var table rest.Table
	for _, u := range []deadletter.Undelivered{{Reason: "size", N: 2, Last: "a"}, {Reason: "value", N: 3, Last: "b"}, {Reason: "value", Skipped: true, N: 5, Last: "c"}} {
		undelivered(&table, &u)
	}
	if table.DeadLetters != 5 || table.Skipped != 5 || table.LastUndelivered != "c" {
		t.Errorf("%+v", table)
	}
}
