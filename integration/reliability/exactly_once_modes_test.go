package reliability

import (
	"fmt"
	"testing"

	"rdip/integration/harness"
	"rdip/internal/failpoint"
)

// D1, G1, G2: kill -9 around a switch from at least once to exactly once and back loses nothing in either direction, and what
// is written once the connector delivers exactly once comes once.
func TestAKillAtASwitchOfModesLosesNothing(t *testing.T) {
	p := once(t)
	p.Tags = []string{"failpoints"}
	least := p.Configured("connectors.shop.exactly.once.support", "requested")
	next := 1
	dies := func(q *harness.Pipeline, point string, n int) {
		t.Helper()
		killed := q.Configured()
		killed.Env = []string{fmt.Sprintf("RDIP_FAILPOINT=%s:%d", point, n)}
		d := killed.Start(t)
		for d.Running() {
			p.Insert(t, next, next)
			next++
		}
	}
	lives := func(q *harness.Pipeline) (from, to int) {
		t.Helper()
		d := q.Streaming(t)
		p.Converge(t)
		from = next
		for range 3 {
			p.Insert(t, next, next)
			next++
		}
		p.Converge(t)
		d.Kill()
		return from, next
	}
	var once [][2]int
	towards := []string{failpoint.Restoring, failpoint.PositionsSent, failpoint.Committed, failpoint.TransactionOpen, failpoint.Stored}
	back := []string{failpoint.Received, failpoint.Produced, failpoint.Acked, failpoint.Stored, failpoint.Confirmed}
	for i := range towards {
		dies(least, failpoint.Produced, 2)
		dies(p, towards[i], 1)
		from, to := lives(p)
		once = append(once, [2]int{from, to})
		dies(p, failpoint.Committed, 2)
		dies(least, back[i], 1)
		lives(least)
	}
	d := p.Streaming(t)
	p.Insert(t, next, next)
	p.Converge(t)
	ends(t, d)
	seen := map[string]int{}
	for _, r := range p.Records(t, "items") {
		seen[r.Key]++
	}
	for i := range next + 1 {
		if seen[fmt.Sprint(i)] == 0 {
			t.Errorf("row %d is missing", i)
		}
	}
	for _, r := range once {
		for i := r[0]; i < r[1]; i++ {
			if n := seen[fmt.Sprint(i)]; n != 1 {
				t.Errorf("row %d, of a time of exactly once, came %d times", i, n)
			}
		}
	}
}
