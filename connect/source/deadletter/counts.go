package deadletter

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Undelivered counts what of one table became dead letters, or was skipped, for one reason.
type Undelivered struct {
	Table   string
	Reason  string // value, schema, size or row
	Skipped bool   // there is no topic for dead letters
	N       int64
	Last    string // why, of the newest, for people
}

// Counts counts what a task did not deliver since the process began. It is safe for concurrent use; the zero value
// is ready.
type Counts struct {
	mu   sync.Mutex
	by   map[lostKey]*Undelivered
	said map[string]*said // by table
}

type lostKey struct {
	table   string
	reason  Reason
	skipped bool
}

// said is when a table's was logged last, and how many came since.
type said struct {
	at    time.Time
	since int64
}

// sayAgain is the least time between two lines of the log for one table.
const sayAgain = time.Second

// Count counts a letter, and logs it where one of its table was not just logged; without log it is not logged at all.
func (c *Counts) Count(m *Letter, skipped bool, log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by, c.said = map[lostKey]*Undelivered{}, map[string]*said{}
	}
	k := lostKey{m.Table, m.Reason, skipped}
	n := c.by[k]
	if n == nil {
		n = &Undelivered{Table: m.Table, Reason: string(m.Reason), Skipped: skipped}
		c.by[k] = n
	}
	n.N++
	n.Last = m.Why.Error()
	if log != nil {
		c.say(m, skipped, log)
	}
}

// say logs a letter. The caller holds mu.
func (c *Counts) say(m *Letter, skipped bool, log *slog.Logger) {
	s := c.said[m.Table]
	if s == nil {
		s = &said{}
		c.said[m.Table] = s
	}
	s.since++
	if time.Since(s.at) < sayAgain {
		return
	}
	what := "a row is a dead letter"
	if skipped {
		what = "a row is skipped, and lost"
	}
	log.Warn(what, "table", m.Table, "reason", string(m.Reason), "rows", s.since, "error", m.Why)
	s.at, s.since = time.Now(), 0
}

// All lists the counts by table and reason.
func (c *Counts) All() []Undelivered {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Undelivered, 0, len(c.by))
	for _, n := range c.by {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Undelivered) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}
