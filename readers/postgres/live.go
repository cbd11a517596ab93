package postgres

import (
	"context"
	"sync"

	"rdip/schema"
	"rdip/snapshot"
)

// live reads tables while their log is streamed. Its methods may be called by several goroutines: what they
// ask the catalog goes over one session, one after the other, and each lane has a connection of its own.
type live struct {
	r   *Reader
	cfg *Config

	mu      sync.Mutex
	catalog *catalogSession
	known   map[uint32]*liveTable // captured tables by OID, as they were looked up last

	marks marker
}

var _ snapshot.Live = (*live)(nil)

func newLive(r *Reader) *live {
	return &live{r: r, cfg: r.cfg, catalog: &catalogSession{cfg: r.cfg}, known: map[uint32]*liveTable{}, marks: marker{cfg: r.cfg}}
}

// close lets the sessions go. Lanes are closed by whoever opened them.
func (l *live) close() {
	l.mu.Lock()
	l.catalog.close()
	l.mu.Unlock()
	l.marks.close()
}

// Captured lists the tables that are captured now, in the order in which they should be read.
func (l *live) Captured(ctx context.Context) ([]*schema.Table, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	want, err := newCatalog(l.cfg, l.catalog).capture(ctx, l.cfg.PublicationViaRoot)
	if err != nil {
		return nil, err
	}
	plans := make([]snapshot.TablePlan, len(want.units))
	for i, u := range want.units {
		t, err := l.remember(ctx, u)
		if err != nil {
			return nil, err
		}
		plans[i].Table = t.layout.Table
		for _, leaf := range u.leaves {
			plans[i].Rows = addEstimate(plans[i].Rows, leaf.Tuples)
		}
	}
	l.cfg.ordered(plans)
	tables := make([]*schema.Table, len(plans))
	for i := range plans {
		tables[i] = plans[i].Table
	}
	return tables, nil
}
