package snapshot

import (
	"testing"
	"testing/synctest"
	"time"

	"rdip/schema"
)

func TestProgressSaysHowMuchIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Progress
		if r := p.Report(); r.Left != -1 || r.Done != 0 || r.Ended || !r.Started.IsZero() {
			t.Errorf("before it begins: %+v", r)
		}
		big := TablePlan{Table: &schema.Table{Schema: "s", Name: "big"}, Rows: 1000, Bytes: 10_000_000,
			Chunks: []Chunk{{Index: 0, Bytes: 6_000_000}, {Index: 1, Bytes: 4_000_000}}}
		unknown := TablePlan{Table: &schema.Table{Schema: "s", Name: "unknown"}, Rows: -1, Bytes: 10_000_000,
			Chunks: []Chunk{{Index: 0, Bytes: 5_000_000}, {Index: 1, Bytes: 5_000_000}}}
		p.begin([]TablePlan{big, unknown})
		if r := p.Report(); r.Left != -1 || r.Chunks != 4 || len(r.Tables) != 2 || r.Tables[0].Table != "s.big" {
			t.Errorf("when it begins: %+v", r)
		}
		time.Sleep(10 * time.Second)
		p.table(0).add(500, 4096)
		r := p.Report()
		if b := r.Tables[0]; b.Done != 0.5 || b.RowsPerSecond != 50 || b.Left != 10*time.Second || b.Bytes != 4096 {
			t.Errorf("half of the estimated rows: %+v", b)
		}
		if u := r.Tables[1]; u.Done != 0 || u.Left != -1 {
			t.Errorf("nothing read yet: %+v", u)
		}
		if r.Done != 0.25 || r.Left != 30*time.Second {
			t.Errorf("a quarter of all bytes: %v done, %v left", r.Done, r.Left)
		}
		p.table(1).start(unknown.Chunks[0])
		p.table(1).add(7, 2_500_000)
		if u := p.Report().Tables[1]; u.Done != 0.25 {
			t.Errorf("half the bytes of a chunk, of a table whose rows nobody has counted: %+v", u)
		}
		p.table(1).add(7, 20_000_000) // they were compressed on disk
		p.table(1).finish(unknown.Chunks[0])
		if u := p.Report().Tables[1]; u.Done != 0.5 || u.ChunksDone != 1 {
			t.Errorf("one chunk of two of a table of unknown size: %+v", u)
		}
		p.table(0).add(5000, 0) // the estimate was too low
		if b := p.Report().Tables[0]; b.Done >= 1 {
			t.Errorf("%v done while chunks are left", b.Done)
		}
		for _, c := range big.Chunks {
			p.table(0).finish(c)
		}
		p.table(1).finish(unknown.Chunks[1])
		p.end()
		time.Sleep(time.Hour)
		if r := p.Report(); r.Done != 1 || r.Left != 0 || !r.Ended || r.RowsPerSecond != 551.4 {
			t.Errorf("at the end: %+v", r)
		}
	})
}
