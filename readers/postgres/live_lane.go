package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/snapshot"
)

// liveLane is one connection that reads chunks, each from a snapshot of its own.
type liveLane struct {
	copier
	live   *live
	view   *view                 // of the transaction that is open; nil before the first
	parts  map[uint32]bool       // tables that were compared with their plan in this transaction
	tables map[uint32]*liveTable // units that were locked in this transaction, with the layout of its snapshot
}

// Lane opens a connection for reading.
func (l *live) Lane(ctx context.Context) (snapshot.LiveLane, error) {
	conn, err := openCopy(ctx, l.cfg)
	if err != nil {
		return nil, err
	}
	return &liveLane{copier: copier{cfg: l.cfg, conn: conn}, live: l}, nil
}

// Begin takes a new snapshot, in a transaction that lasts until it is read. A mark comes first: its transaction's id
// is above that of every transaction that ran before, and it is over, so that the snapshot, whose xmax is behind the
// newest that is over, lists all of them that still run (P67). On a standby it is what was replayed, and is seen.
func (l *liveLane) Begin(ctx context.Context) (snapshot.View, error) {
	v, err := l.begin(ctx)
	if err != nil {
		return nil, serverFault("take a snapshot of", l.cfg.object(), err)
	}
	return v, nil
}

func (l *liveLane) begin(ctx context.Context) (*view, error) {
	if l.view != nil {
		if err := l.conn.exec(ctx, "ROLLBACK"); err != nil {
			return nil, err
		}
	}
	l.view, l.parts, l.tables = nil, map[uint32]bool{}, map[uint32]*liveTable{}
	place, standby, err := l.live.mark(ctx)
	if err != nil {
		return nil, err
	}
	begin := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; " + strings.Join(l.cfg.snapshotSettings(), "; ") + "; "
	got, err := l.conn.rowBehind(ctx, begin, "SELECT pg_current_snapshot(), (extract(epoch FROM transaction_timestamp()) * 1000000)::int8", 2)
	if err != nil {
		return nil, err
	}
	v, err := parseView(got[0])
	if err != nil {
		return nil, err
	}
	micros, err := strconv.ParseInt(got[1], 10, 64)
	if err != nil {
		return nil, err
	}
	v.tx = envelope.Transaction{ID: v.xmin, Micros: micros, Place: place}
	if standby {
		v.replayed = place
	}
	l.view = v
	return v, nil
}

// unit locks a unit's tables, makes sure that the snapshot can see their rows, and finds the layout that the
// snapshot's catalog gives it.
func (l *liveLane) unit(ctx context.Context, id string, oid uint32) (*liveTable, error) {
	if t := l.tables[oid]; t != nil {
		return t, nil
	}
	t, err := l.live.table(ctx, oid, "")
	if err != nil {
		return nil, err
	}
	if t == nil || t.unit.ID() != id {
		l.live.forget()
		return nil, l.rewritten(id, "it was dropped or renamed")
	}
	got, err := l.conn.rowBehind(ctx, "LOCK TABLE "+t.unit.from()+" IN ACCESS SHARE MODE; ", t.unit.visibleSQL(l.cfg.PublicationName), 3)
	if err != nil {
		return nil, l.unreadable(ctx, t.unit.table, err)
	}
	if got[0] != "t" {
		l.live.forget()
		return nil, l.rewritten(t.unit.ID(), "it was rewritten, truncated or replaced while the snapshot was taken")
	}
	if got[2] != "t" {
		return nil, l.rewritten(t.unit.ID(), "the "+publicationObject(l.cfg.PublicationName)+" has it not any more, so that its changes are not in the log")
	}
	if got[1] != t.shape {
		if t, err = l.live.table(ctx, oid, got[1]); err != nil {
			return nil, err
		}
		if t == nil || t.shape != got[1] {
			return nil, &fault.Error{Op: "copy", Object: "table " + id, Cause: errors.New("its columns were changed while the snapshot was taken"), Hint: "nothing: it is read again"}
		}
	}
	l.tables[oid] = t
	return t, nil
}

// visibleSQL asks whether every table of the unit is there with the file that the snapshot knows (P69), for the unit's
// shape, and whether it is published.
func (u *unit) visibleSQL(publication string) string {
	oids := make([]string, len(u.leaves))
	for i, leaf := range u.leaves {
		oids[i] = strconv.FormatUint(uint64(leaf.OID), 10)
	}
	return fmt.Sprintf(`SELECT to_regclass(%s)::oid IS NOT DISTINCT FROM c.oid AND (SELECT count(*) = %d AND coalesce(bool_and(p.relfilenode = pg_relation_filenode(p.oid)), true)
			FROM pg_class p WHERE p.oid = ANY ('{%s}'::oid[])), %s, %s
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %d`,
		quoteLiteral(quoteTable(u.Schema, u.Name)), len(oids), strings.Join(oids, ","), shapeSQL, u.isPublishedSQL(publication), u.OID)
}

// isPublishedSQL says whether a publication has the unit. The view that knows all the ways of being published lists
// every table, and is asked only where the publication does not name this one.
func (u *unit) isPublishedSQL(publication string) string {
	return fmt.Sprintf(`CASE WHEN EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = %[1]s AND r.prrelid = %[2]d)
		THEN true ELSE EXISTS (SELECT FROM pg_publication_tables t WHERE t.pubname = %[1]s AND t.schemaname = %[3]s AND t.tablename = %[4]s) END`,
		quoteLiteral(publication), u.published.OID, quoteLiteral(u.Schema), quoteLiteral(u.Name))
}

// part makes sure that a part is the table that was planned, in the file in which it was planned.
func (l *liveLane) part(ctx context.Context, p *part) error {
	if l.parts[p.leaf.OID] {
		return nil
	}
	got, err := l.conn.row(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_class WHERE oid = %d AND relfilenode = %d)", p.leaf.OID, p.leaf.FileNode), 1)
	if err != nil {
		return l.unreadable(ctx, p.leaf, err)
	}
	if got[0] != "t" {
		l.live.forget()
		return l.rewritten(p.leaf.ID(), "it was rewritten, truncated or replaced since")
	}
	l.parts[p.leaf.OID] = true
	return nil
}

// rewritten is a table whose plan means nothing any more.
func (l *liveLane) rewritten(id, why string) error {
	return rewritten(id, errors.New(why))
}

// unreadable says why a table could not be read; one that is gone by now has to be planned again.
func (l *liveLane) unreadable(ctx context.Context, t *table, err error) error {
	f := l.copyFault(ctx, t, err)
	if errors.Is(f, snapshot.ErrRewritten) {
		l.live.forget()
	}
	return f
}

// Close ends the transaction and the connection.
func (l *liveLane) Close(context.Context) error { return l.conn.close() }
