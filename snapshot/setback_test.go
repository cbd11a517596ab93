package snapshot

import (
	"testing"
	"testing/synctest"
	"time"

	"rdip/offsets"
)

// beside is a window of any table that goes out: the stream passes its mark.
func (p *play) beside(id uint64) {
	p.t.Helper()
	synctest.Wait()
	p.begin(id, 2000+id)
	p.commit(2001 + id)
}

// stateOf is the state of a table's reading.
func (p *play) stateOf(table string) ReadingState {
	for _, t := range p.r.Report().Tables {
		if t.Table == table {
			return t.State
		}
	}
	return ""
}

// durable counts everything that went out as stored.
func (p *play) durable() {
	_, stored := p.r.Changed(p.chunks)
	stored()
	p.chunks = nil
}

// A table that somebody has locked for long holds no other up: it is tried again now and then, and read in the end.
func TestATableThatCannotBeReadForNowHoldsNoOtherUp(t *testing.T) {
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 9, rows: [][2]string{{"1", "row"}}}}
	s.locked = "a"
	small := offsets.TableSnapshot{OID: 7, Why: offsets.WhyAsked, Plan: "{}", Chunks: 2}
	small.Done.Add(0)
	scripted(t, s, map[string]offsets.TableSnapshot{"public.a": small, "public.b": {OID: 8, Why: offsets.WhyAsked, Plan: "{}", Chunks: 2}}, func(p *play) {
		p.free = true
		p.step()
		for i := range uint64(4) {
			time.Sleep(time.Second)
			p.beside(30 + i)
			p.durable()
		}
		p.went("r 1 row", "r 1 row")
		if a, b := p.stateOf("public.a"), p.stateOf("public.b"); a != ReadingWaiting || b != ReadingFinished {
			t.Errorf("the one that is locked is %s, the other one %s", a, b)
		}
		s.mu.Lock()
		s.locked = ""
		s.mu.Unlock()
		for i := range uint64(4) {
			time.Sleep(retryLast)
			p.beside(50 + i)
			p.durable()
		}
		if a := p.stateOf("public.a"); a != ReadingFinished {
			t.Errorf("behind the lock it is %s", a)
		}
	})
}

// A table that waits for a transaction that is open does not hold up one that began before that transaction.
func TestATableThatWaitsForATransactionHoldsNoOtherUp(t *testing.T) {
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 9, rows: [][2]string{{"1", "row"}}}}
	scripted(t, s, map[string]offsets.TableSnapshot{"public.b": {OID: 7, Why: offsets.WhyInitial}}, func(p *play) {
		p.free = true
		p.step()
		s.shows(&scriptView{newest: 25, hidden: []uint64{22}, rows: [][2]string{{"1", "row"}}})
		p.r.Add(map[string]offsets.TableSnapshot{"public.a": {OID: 8, Why: offsets.WhyAsked}})
		p.beside(20)
		p.went("r 1 row")
		time.Sleep(10 * time.Second)
		p.beside(30)
		p.durable()
		if a, b := p.stateOf("public.a"), p.stateOf("public.b"); a != ReadingWaiting || b != ReadingFinished {
			t.Errorf("the one that waits is %s, the other one %s", a, b)
		}
		s.shows(&scriptView{newest: 40, rows: [][2]string{{"1", "row"}}})
		for i := range uint64(4) {
			time.Sleep(retryLast)
			p.beside(50 + i)
			p.durable()
		}
		if a := p.stateOf("public.a"); a != ReadingFinished {
			t.Errorf("behind the transaction it is %s", a)
		}
	})
}
