package source

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"rdip/internal/fault"
)

// Undelivered counts what of one table became dead letters, or was skipped, for one reason.
type Undelivered struct {
	Table   string
	Reason  string // value, schema, size or row
	Skipped bool   // there is no topic for dead letters
	N       int64
	Last    string // why, of the newest, for people
}

// lostRows counts what a task did not deliver since the process began. It is safe for concurrent use; the zero value
// is ready.
type lostRows struct {
	mu   sync.Mutex
	by   map[lostKey]*Undelivered
	said map[string]*said // by table
}

type lostKey struct {
	table   string
	reason  reason
	skipped bool
}

// said is when a table's was logged last, and how many came since.
type said struct {
	at    time.Time
	since int64
}

// sayAgain is the least time between two lines of the log for one table.
const sayAgain = time.Second

// count counts a letter, and logs it where one of its table was not just logged.
func (c *lostRows) count(t *Task, m *letter, skipped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by, c.said = map[lostKey]*Undelivered{}, map[string]*said{}
	}
	k := lostKey{m.table, m.reason, skipped}
	n := c.by[k]
	if n == nil {
		n = &Undelivered{Table: m.table, Reason: string(m.reason), Skipped: skipped}
		c.by[k] = n
	}
	n.N++
	n.Last = m.why.Error()
	if t.Errors.Log {
		c.say(t, m, skipped)
	}
}

// say logs a letter. The caller holds mu.
func (c *lostRows) say(t *Task, m *letter, skipped bool) {
	s := c.said[m.table]
	if s == nil {
		s = &said{}
		c.said[m.table] = s
	}
	s.since++
	if time.Since(s.at) < sayAgain {
		return
	}
	what := "a row is a dead letter"
	if skipped {
		what = "a row is skipped, and lost"
	}
	t.Log.Warn(what, "table", m.table, "reason", string(m.reason), "rows", s.since, "error", m.why)
	s.at, s.since = time.Now(), 0
}

// all lists the counts by table and reason.
func (c *lostRows) all() []Undelivered {
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

// schemas are of an error that the registry refused a schema with: the registered one and the refused one.
type schemas interface {
	error
	Schemas() (registered, refused string)
}

// withSchemas adds both schemas to what is logged of a refusal, behind the rest since they are long, so that nobody has to
// ask the registry (R2).
func withSchemas(err error, logged ...any) []any {
	var both schemas
	if !errors.As(err, &both) {
		return logged
	}
	registered, refused := both.Schemas()
	return append(logged, "registered", registered, "refused", refused)
}

// isSchemaRefusal says whether the registry, or the format, refuses a table's schema, and not us.
func isSchemaRefusal(err error) bool {
	return fault.IsPermanent(err) && fault.KindOf(err) == fault.Runtime
}
