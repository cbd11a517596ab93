package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

// opening is what Open has found out, and the connections it asks over. Everything is looked at before
// anything is changed.
type opening struct {
	r       *Reader
	cfg     *Config
	sql     *pgx.Conn
	repl    *pgconn.PgConn // takes replication commands; nil once a snapshot lives on it
	server  *server
	system  system
	want    *captured
	pub     *publication // nil: none
	slot    *slot        // nil: none
	stored  readers.Stored
	notices []fault.Finding
}

// Open reconciles what is stored with the server. On a first start it makes the publication, then the slot
// with its snapshot (P57: a change that was logged before the publication was made would be decoded without
// it). It never moves past a gap, and never makes a slot in place of one that is gone (G7).
func (r *Reader) Open(ctx context.Context, stored readers.Stored) (readers.Resume, error) {
	if err := r.dropSnapshot(ctx); err != nil { // of an earlier try
		return readers.Resume{}, err
	}
	o := &opening{r: r, cfg: r.cfg, stored: stored}
	defer o.close(ctx)
	if err := o.look(ctx); err != nil {
		return readers.Resume{}, err
	}
	if err := o.judge(); err != nil {
		return readers.Resume{}, err
	}
	if stored.Keep != nil {
		if err := stored.Keep(o.identity().encode()); err != nil {
			return readers.Resume{}, err
		}
	}
	if err := o.publish(ctx); err != nil {
		return readers.Resume{}, err
	}
	resume, err := o.resume(ctx)
	if err != nil {
		return readers.Resume{}, err
	}
	resume.Identity, resume.Notices = o.identity().encode(), o.notices
	r.wire.confirm(resume.From.Place)
	r.startWatch()
	return resume, nil
}

// look asks the server everything that decides.
func (o *opening) look(ctx context.Context) error {
	var err error
	if o.sql, err = o.cfg.connectSQL(ctx); err != nil {
		return err
	}
	if o.server, err = readServer(ctx, o.sql); err != nil {
		return err
	}
	if err := fault.Findings(o.server.served()).Err(); err != nil {
		return err
	}
	if o.repl, err = o.cfg.connect(ctx, true); err != nil {
		return err
	}
	if o.system, err = identifySystem(ctx, o.repl); err != nil {
		return err
	}
	if o.want, err = newCatalog(o.cfg, o.sql).capture(ctx, o.cfg.PublicationViaRoot); err != nil {
		return err
	}
	if o.pub, err = readPublication(ctx, o.sql, o.cfg.PublicationName); err != nil {
		return err
	}
	if o.slot, err = readSlot(ctx, o.sql, o.cfg.SlotName); err != nil {
		return err
	}
	o.slot, err = o.r.awaitRelease(ctx, o.sql, o.slot)
	return err
}

// judge refuses whatever cannot be resumed or begun, before anything is changed.
func (o *opening) judge() error {
	if o.stored.Identity != "" {
		if err := o.identity().compare(o.stored.Identity, o.r.name); err != nil {
			return err
		}
	}
	if err := o.judgeSlot(); err != nil {
		return err
	}
	fs := o.cfg.tableFindings(o.want, o.pub)
	fs = append(fs, o.cfg.publicationFindings(o.pub, o.want)...)
	if err := fault.Findings(fs).Err(); err != nil {
		return err
	}
	o.notices = append(o.notices, fs...)
	return nil
}

// firstStart: no earlier run has delivered anything; it may have been cut off before it made the slot.
func (o *opening) firstStart() bool {
	return o.stored.Position.IsZero() && !o.stored.SnapshotDone && !o.stored.SnapshotBegan
}

func (o *opening) identity() identity {
	return identity{System: o.system.Identifier, Timeline: o.system.Timeline, Slot: o.cfg.SlotName, Database: o.cfg.Database}
}

// publish makes the publication, or adds what it lacks (P57, P58).
func (o *opening) publish(ctx context.Context) error {
	switch {
	case o.pub == nil:
		return o.alter(ctx, "create", o.cfg.createPublicationSQL(o.want))
	case o.cfg.mends(o.pub):
		missing := o.pub.missing(o.want)
		if len(missing) == 0 {
			return nil
		}
		if o.slot != nil && !o.stored.Position.IsZero() {
			o.notices = append(o.notices, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: publicationObject(o.cfg.PublicationName), Case: "P58",
				Seen: fmt.Sprintf("%s was added to it now", listIDs(missing)), Need: "a snapshot of these tables for the rows from before: only their changes from now on are captured",
				Fix: fmt.Sprintf("rdip offsets reset %s and %s, to copy everything again", o.r.name, dropSQL(o.cfg.SlotName))})
		}
		return o.alter(ctx, "alter", o.cfg.addTablesSQL(missing))
	default:
		return nil
	}
}

func (o *opening) alter(ctx context.Context, op, sql string) error {
	_, err := o.sql.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == stateNoPrivilege {
		return &fault.Error{Kind: fault.Preflight, Op: op, Object: publicationObject(o.cfg.PublicationName), Cause: said(server), Permanent: true,
			Hint: fmt.Sprintf("as a superuser, or as the tables' owner: %s; then set publication.autocreate.mode: disabled", sql)}
	}
	if err != nil {
		return serverFault(op, publicationObject(o.cfg.PublicationName), err)
	}
	return nil
}

// resume says from where, having made the slot on a first start.
func (o *opening) resume(ctx context.Context) (readers.Resume, error) {
	snapshotDue := o.cfg.SnapshotMode != SnapshotNone && !o.stored.SnapshotDone
	switch {
	case o.slot == nil && snapshotDue:
		made, err := o.create(ctx, o.cfg.SlotName, false, exportSnapshot)
		return readers.Resume{Snapshot: true, From: made}, err
	case o.slot == nil:
		made, err := o.create(ctx, o.cfg.SlotName, false, noSnapshot)
		return readers.Resume{From: made}, err
	case !o.stored.Position.IsZero():
		return readers.Resume{From: o.stored.Position}, nil
	case snapshotDue:
		// A snapshot was cut off. The slot has everything from its consistent point on, which nobody has
		// confirmed; the new snapshot is of a later point, and the stream goes over what lies between again.
		_, err := o.create(ctx, temporaryName(o.cfg.SlotName), true, exportSnapshot)
		return readers.Resume{Snapshot: true, Repeated: true, From: offsets.Position{Place: o.slot.Confirmed}}, err
	default:
		return readers.Resume{From: offsets.Position{Place: o.slot.Confirmed}}, nil
	}
}

// create makes a slot, and keeps the snapshot of its consistent point where one was asked for. Of a
// temporary slot only the snapshot matters: the stream goes on from the permanent one.
func (o *opening) create(ctx context.Context, name string, temporary bool, use snapshotUse) (offsets.Position, error) {
	command := createSlotCommand(o.server.major(), name, temporary, use)
	made, err := createSlot(ctx, o.repl, o.sql, name, command, o.r.slotPatience)
	if err != nil {
		return offsets.Position{}, err
	}
	from := offsets.Position{Place: made.Consistent}
	if use == noSnapshot {
		return from, nil
	}
	source := &snapshotSource{cfg: o.cfg, exporter: o.repl, name: made.Snapshot, consistent: made.Consistent, from: from, tx: envelope.Transaction{Place: made.Consistent}}
	if temporary {
		source.from = offsets.Position{Place: o.slot.Confirmed}
	}
	o.repl = nil
	o.r.mu.Lock()
	o.r.source = source
	o.r.mu.Unlock()
	return from, nil
}

func (o *opening) close(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if o.sql != nil {
		_ = o.sql.Close(ctx)
	}
	if o.repl != nil {
		_ = o.repl.Close(ctx)
	}
}
