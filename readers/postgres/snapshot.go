package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/snapshot"
)

// defaultChunkBytes serves a Config without a size.
const defaultChunkBytes = 64 << 20

// snapshotSource is the database as it stood at a slot's consistent point: a snapshot exported by the
// replication connection that made the slot, which lasts while that connection is idle.
type snapshotSource struct {
	cfg        *Config
	exporter   *pgconn.PgConn
	name       string           // of the exported snapshot
	consistent uint64           // its place in the log
	from       offsets.Position // where the stream goes on
	tx         envelope.Transaction
	asked      map[string]snapshot.Asked // the tables to read, by ID; nil for all
}

// newSnapshotSource is the state at the consistent point of a slot that was made over exporter, which belongs to it
// from then on.
func newSnapshotSource(cfg *Config, exporter *pgconn.PgConn, made newSlot) *snapshotSource {
	return &snapshotSource{cfg: cfg, exporter: exporter, name: made.Snapshot, consistent: made.Consistent,
		from: offsets.Position{Place: made.Consistent}, tx: envelope.Transaction{Place: made.Consistent}}
}

// Transaction is the state's. Its Micros are the server's time at Plan. Its ID is the oldest transaction that
// the snapshot may not see, its xmin; Debezium writes the id of a transaction of its own there.
func (s *snapshotSource) Transaction() envelope.Transaction { return s.tx }

// Position is where the stream goes on.
func (s *snapshotSource) Position() offsets.Position { return s.from }

// Close lets the snapshot go, and the temporary slot where one was made for it.
func (s *snapshotSource) Close(ctx context.Context) error { return s.exporter.Close(ctx) }

// begin is what every session of the snapshot begins with.
func (s *snapshotSource) begin() []string {
	return append([]string{
		"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		"SET TRANSACTION SNAPSHOT " + quoteLiteral(s.name),
	}, s.cfg.snapshotSettings()...)
}

// snapshotSettings are those of every transaction that reads tables. Reading in parallel or joining another scan
// in the middle of a table would change the order of rows; row_security=off turns rows that a policy would hide
// into an error (P63).
func (c *Config) snapshotSettings() []string {
	return []string{
		"SET LOCAL row_security = off",
		"SET LOCAL synchronize_seqscans = off",
		"SET LOCAL max_parallel_workers_per_gather = 0",
		fmt.Sprintf("SET LOCAL lock_timeout = %d", c.SnapshotLockTimeout.Milliseconds()),
	}
}

// Plan reads the catalog as it stood at the consistent point and cuts the captured tables into ctid ranges.
func (s *snapshotSource) Plan(ctx context.Context) ([]snapshot.TablePlan, error) {
	conn, err := s.cfg.connectSQL(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range s.begin() {
		if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return nil, s.gone(err)
		}
	}
	if err := s.describe(ctx, conn); err != nil {
		return nil, err
	}
	cat := newCatalog(s.cfg, conn)
	want, err := cat.capture(ctx, s.cfg.PublicationViaRoot)
	if err != nil {
		return nil, err
	}
	if err := s.checkPublished(ctx, conn, want); err != nil {
		return nil, err
	}
	if s.asked != nil {
		if want, err = want.only(s.asked); err != nil {
			return nil, err
		}
	}
	sizes, err := tableSizes(ctx, conn, want.leaves())
	if err != nil {
		return nil, err
	}
	plans := make([]snapshot.TablePlan, len(want.units))
	for i, u := range want.units {
		layout, err := cat.layout(ctx, u.relation())
		if err != nil {
			return nil, err
		}
		p := planning{layout: layout, parts: u.parts(layout, sizes), rows: s.cfg.rows(u.table, s.asked[u.ID()].Where), leftOut: s.asked == nil && s.cfg.leftOut(u.table), chunkBytes: s.chunkBytes()}
		if p.rows.override != "" && !p.leftOut {
			if err := checkOverride(ctx, conn, layout, p.rows.override); err != nil {
				return nil, err
			}
		}
		plans[i] = p.plan()
	}
	s.cfg.ordered(plans)
	return plans, nil
}

func (s *snapshotSource) chunkBytes() int64 {
	if s.cfg.SnapshotChunkBytes <= 0 {
		return defaultChunkBytes
	}
	return s.cfg.SnapshotChunkBytes
}

// gone is a snapshot that cannot be joined, mostly because the connection that holds it has ended.
func (s *snapshotSource) gone(err error) error {
	f := serverFault("join the snapshot of", slotObject(s.cfg.SlotName), err)
	if e := (&fault.Error{}); errors.As(f, &e) {
		e.Permanent = false // the next start takes another one
	}
	return f
}

func (s *snapshotSource) describe(ctx context.Context, q querier) error {
	s.tx = envelope.Transaction{Place: s.consistent}
	var xmin int64
	err := q.QueryRow(ctx, `SELECT (extract(epoch FROM transaction_timestamp()) * 1000000)::int8,
		pg_snapshot_xmin(pg_current_snapshot())::text::int8`).Scan(&s.tx.Micros, &xmin)
	s.tx.ID = uint64(xmin)
	if err != nil {
		return serverFault("describe the snapshot of", slotObject(s.cfg.SlotName), err)
	}
	return nil
}

// checkPublished: a table that was made after the publication and before the slot is in the snapshot and not
// in the log. The next start adds it to the publication first.
func (s *snapshotSource) checkPublished(ctx context.Context, q querier, want *captured) error {
	p, err := readPublication(ctx, q, s.cfg.PublicationName)
	if err != nil {
		return err
	}
	if p == nil {
		return &fault.Error{Op: "plan the snapshot of", Object: publicationObject(s.cfg.PublicationName), Cause: errors.New("the publication was dropped meanwhile")}
	}
	if missing := p.missing(want); len(missing) > 0 {
		return &fault.Error{Op: "plan the snapshot of", Object: listIDs(missing), Cause: fmt.Errorf("it is not in the publication %q, so its changes are not in the log", s.cfg.PublicationName),
			Hint: "start again: the publication is brought up to date first"}
	}
	return nil
}

// parts is the tables that hold the unit's rows.
func (u *unit) parts(layout *envelope.Layout, sizes map[uint32]tableSize) []*part {
	parts := make([]*part, len(u.leaves))
	for i, leaf := range u.leaves {
		size := sizes[leaf.OID]
		parts[i] = &part{leaf: leaf, layout: layout, pages: size.Pages, bytes: size.Bytes}
	}
	return parts
}

// tableSize is a table's size now.
type tableSize struct {
	Pages int64 // of its main fork
	Bytes int64 // with its TOAST table and maps
}

const sizesSQL = `
SELECT o, coalesce(pg_relation_size(o), 0) / current_setting('block_size')::int8, coalesce(pg_table_size(o), 0)
FROM unnest($1::oid[]) o`

func tableSizes(ctx context.Context, q querier, tables []*table) (map[uint32]tableSize, error) {
	oids := make([]uint32, len(tables))
	for i, t := range tables {
		oids[i] = t.OID
	}
	slices.Sort(oids)
	sizes := make(map[uint32]tableSize, len(oids))
	_, err := gather(ctx, q, "measure tables", func(row pgx.CollectableRow) (struct{}, error) {
		var oid uint32
		var size tableSize
		err := row.Scan(&oid, &size.Pages, &size.Bytes)
		sizes[oid] = size
		return struct{}{}, err
	}, sizesSQL, oids)
	return sizes, err
}
