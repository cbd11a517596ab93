package snapshot

import (
	"sync"
	"sync/atomic"
	"time"

	"rdip/offsets"
)

// Progress is how far a snapshot has come. The zero value is a snapshot that has not begun. All its methods
// may be called by any goroutine.
type Progress struct {
	mu      sync.RWMutex // guards the fields, not what the tables count
	started time.Time
	ended   time.Time
	tables  []*TableProgress
}

// TableProgress counts one table's rows.
type TableProgress struct {
	name      string
	estimate  int64 // rows, -1 where unknown
	weight    int64 // bytes on disk
	chunks    int64
	rows      atomic.Int64
	bytes     atomic.Int64
	done      atomic.Int64 // chunks
	doneBytes atomic.Int64 // of weight
	begun     atomic.Int64 // bytes of weight of chunks that are read or were
}

func (t *TableProgress) add(rows, bytes int64) {
	t.rows.Add(rows)
	t.bytes.Add(bytes)
}

func (t *TableProgress) start(c Chunk) { t.begun.Add(c.Bytes) }

func (t *TableProgress) finish(c Chunk) {
	t.doneBytes.Add(c.Bytes)
	t.done.Add(1)
}

func (p *Progress) begin(plan []TablePlan) {
	tables := make([]*TableProgress, len(plan))
	for i, t := range plan {
		tables[i] = &TableProgress{name: t.Table.ID(), estimate: t.Rows, weight: max(t.Bytes, 0), chunks: int64(len(t.Chunks))}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.ended, p.tables = time.Now(), time.Time{}, tables
}

func (p *Progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = time.Now()
}

func (p *Progress) table(i int) *TableProgress {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.tables[i]
}

// Report is a snapshot's progress at one moment.
type Report struct {
	Share
	Started time.Time // zero before it began
	Ended   bool      // every row was handed on, or the snapshot failed
	Tables  []TableReport
}

// TableReport is one table's progress at one moment.
type TableReport struct {
	Share
	Table    string
	Estimate int64 // of all its rows; -1 where unknown
	// What follows is of a table that is read while the log is streamed.
	State   ReadingState
	Why     offsets.Why
	By      string
	Waiting string // what it waits for, or why it failed; "" for nothing
	Owed    int    // rows to be read once more by key, since the log gave them in part
	// Only the rows of a predicate, or of so many keys, are read; false and 0 for all rows.
	Filtered bool
	Keys     int
}

// Share is how much is done, of a table or of all.
type Share struct {
	Rows          int64 // read so far
	Bytes         int64 // of those rows, as the source sent them
	Chunks        int
	ChunksDone    int
	Done          float64       // 0 to 1, an estimate until all is done
	RowsPerSecond float64       // since the start
	Left          time.Duration // an estimate; -1 while nothing says how long
}

// Report is the progress now.
func (p *Progress) Report() Report {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.started.IsZero() {
		return Report{Share: Share{Left: -1}}
	}
	until := p.ended
	if until.IsZero() {
		until = time.Now()
	}
	elapsed := until.Sub(p.started)
	r := Report{Started: p.started, Ended: !p.ended.IsZero()}
	var weight, done float64
	for _, t := range p.tables {
		s := t.report(elapsed)
		r.Tables = append(r.Tables, s)
		r.Rows += s.Rows
		r.Bytes += s.Bytes
		r.Chunks += s.Chunks
		r.ChunksDone += s.ChunksDone
		w := float64(t.weight) + pageBytes // an empty table counts too
		weight += w
		done += w * s.Done
	}
	r.Done = 1
	if weight > 0 {
		r.Done = done / weight
	}
	r.pace(elapsed)
	return r
}

// pageBytes is the weight of a table without any.
const pageBytes = 8192

func (t *TableProgress) report(elapsed time.Duration) TableReport {
	r := TableReport{Table: t.name, Estimate: t.estimate}
	r.Chunks, r.ChunksDone = int(t.chunks), int(t.done.Load())
	r.Rows, r.Bytes = t.rows.Load(), t.bytes.Load()
	r.Done = t.fraction(r)
	r.pace(elapsed)
	return r
}

// fraction is how much of the table is read: by rows where their number is guessed, else by their bytes, which are about
// those on disk; both are finer than finished chunks. It is 1 only when every chunk is done.
func (t *TableProgress) fraction(r TableReport) float64 {
	if r.ChunksDone == r.Chunks {
		return 1
	}
	const nearly = 0.99
	done := 0.0
	if t.weight > 0 {
		done = float64(t.doneBytes.Load()) / float64(t.weight)
	}
	switch {
	case t.estimate > 0:
		done = max(done, float64(r.Rows)/float64(t.estimate))
	case t.weight > 0:
		done = max(done, float64(min(r.Bytes, t.begun.Load()))/float64(t.weight))
	}
	return min(done, nearly)
}

// pace fills in the rate and the time left, as if the rest went as what is done.
func (s *Share) pace(elapsed time.Duration) {
	if sec := elapsed.Seconds(); sec > 0 {
		s.RowsPerSecond = float64(s.Rows) / sec
	}
	switch {
	case s.Done >= 1:
		s.Left = 0
	case s.Done <= 0:
		s.Left = -1
	default:
		s.Left = time.Duration(float64(elapsed) * (1 - s.Done) / s.Done)
	}
}
