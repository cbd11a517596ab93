package postgres

import (
	"context"
	"errors"
	"fmt"

	"rdip/internal/fault"
	"rdip/snapshot"
)

// defaultWindowChunkBytes serves a Config without a size.
const defaultWindowChunkBytes = 8 << 20

func (c *Config) windowChunkBytes() int64 {
	if c.WindowChunkBytes <= 0 {
		return defaultWindowChunkBytes
	}
	return c.WindowChunkBytes
}

// Plan cuts tables as they are now.
func (l *live) Plan(ctx context.Context, asked []snapshot.Asked) ([]snapshot.TablePlan, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	plans := make([]snapshot.TablePlan, len(asked))
	for i, a := range asked {
		p, err := l.planning(ctx, a)
		if err != nil {
			return nil, err
		}
		plans[i] = p.plan()
	}
	l.cfg.ordered(plans)
	return plans, nil
}

// Restore makes a plan again, or a new one where the saved one does not fit any more (P69).
func (l *live) Restore(ctx context.Context, asked snapshot.Asked, saved string) (snapshot.TablePlan, bool, error) {
	s, err := parseSavedPlan(saved)
	if err != nil {
		return snapshot.TablePlan{}, false, &fault.Error{Op: "resume the snapshot of", Object: "table " + asked.Table, Cause: err, Permanent: true,
			Hint: "to copy everything again: rdip offsets reset " + l.r.name + " --config FILE"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.planning(ctx, asked)
	if err != nil {
		return snapshot.TablePlan{}, false, err
	}
	same := p.resume(s)
	return p.plan(), same, nil
}

// planning looks up one table, and asks the server about what was asked for. The caller holds mu.
func (l *live) planning(ctx context.Context, asked snapshot.Asked) (*planning, error) {
	u, err := l.unit(ctx, asked.Table)
	if err != nil {
		return nil, err
	}
	if err := l.checkPublished(ctx, u); err != nil {
		return nil, err
	}
	t, err := l.remember(ctx, u)
	if err != nil {
		return nil, err
	}
	sizes, err := tableSizes(ctx, l.catalog, u.leaves)
	if err != nil {
		return nil, err
	}
	p := &planning{layout: t.layout, parts: u.parts(t.layout, sizes), rows: l.cfg.rows(u.table, asked.Where), chunkBytes: l.cfg.windowChunkBytes()}
	p.leftOut = !asked.ByHand && asked.Where == "" && asked.Keys == nil && l.cfg.leftOut(u.table)
	if asked.Keys != nil {
		p.keys, p.rows.override = distinct(asked.Keys), ""
		if err := l.checkKeyValues(ctx, t, p.keys); err != nil {
			return nil, err
		}
	}
	return p, l.checkRows(ctx, p, u, asked.Where)
}

// checkPublished refuses a table whose changes the log does not carry: what is read of it would be out of date at once.
// The caller holds mu.
func (l *live) checkPublished(ctx context.Context, u *unit) error {
	var is bool
	if err := l.catalog.QueryRow(ctx, "SELECT "+u.isPublishedSQL(l.cfg.PublicationName)).Scan(&is); err != nil {
		return serverFault("read", publicationObject(l.cfg.PublicationName), err)
	}
	if is {
		return nil
	}
	return &fault.Error{Kind: fault.Preflight, Op: "plan the snapshot of", Object: "table " + u.ID(), Permanent: true,
		Cause: fmt.Errorf("the %s has it not, so that its changes are not in the log", publicationObject(l.cfg.PublicationName)),
		Hint: fmt.Sprintf("%s; then rdip snapshot %s %s --resume where one was under way; or rdip restart %[2]s, where rdip keeps the publication itself",
			l.cfg.addTablesSQL([]*table{u.published}), l.r.name, u.ID())}
}

// checkRows asks the server whether a predicate and an override's statement can be read. The caller holds mu, and
// the session was used just now.
func (l *live) checkRows(ctx context.Context, p *planning, u *unit, where string) error {
	if where != "" {
		if err := checkPredicate(ctx, l.catalog.conn, u, where); err != nil {
			return err
		}
	}
	if p.rows.override != "" && !p.leftOut {
		return checkOverride(ctx, l.catalog.conn, p.layout, p.rows.override)
	}
	return nil
}

// unit is the captured table of that ID. The caller holds mu.
func (l *live) unit(ctx context.Context, id string) (*unit, error) {
	want, err := newCatalog(l.cfg, l.catalog).capture(ctx, l.cfg.PublicationViaRoot)
	if err != nil {
		return nil, err
	}
	for _, u := range want.units {
		if u.ID() == id {
			return u, nil
		}
	}
	return nil, notCaptured(id)
}

func notCaptured(id string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "plan the snapshot of", Object: "table " + id, Permanent: true,
		Cause: errors.New("it is not captured, or it does not exist"), Hint: "name a captured table as schema.table (rdip status lists them), or add it to table.include.list"}
}

// forget has what is known of tables looked up again.
func (l *live) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.known)
}

// only is the units that were asked for.
func (c *captured) only(asked map[string]snapshot.Asked) (*captured, error) {
	chosen := &captured{}
	for _, u := range c.units {
		if _, ok := asked[u.ID()]; ok {
			chosen.units = append(chosen.units, u)
		}
	}
	if len(chosen.units) == len(asked) {
		return chosen, nil
	}
	for id := range asked {
		found := false
		for _, u := range chosen.units {
			found = found || u.ID() == id
		}
		if !found {
			return nil, notCaptured(id)
		}
	}
	return chosen, nil
}
