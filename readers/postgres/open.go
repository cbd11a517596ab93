package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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
	history timelineHistory
	want    *captured
	pub     *publication // as it was found; nil: none
	altered bool         // the publication, since
	slot    *slot        // nil: none
	stored  readers.Stored
	renewed *slot           // to be dropped before a new one is made; nil for none
	filters []fault.Finding // of row.filter.*
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
	if err := o.dropRenewed(ctx); err != nil {
		return readers.Resume{}, err
	}
	if err := o.captureDDL(ctx); err != nil {
		return readers.Resume{}, err
	}
	if err := o.setIdentities(ctx); err != nil {
		return readers.Resume{}, err
	}
	if err := o.failover(ctx); err != nil {
		return readers.Resume{}, err
	}
	if err := o.publish(ctx); err != nil {
		return readers.Resume{}, err
	}
	resume, err := o.resume(ctx)
	if err != nil {
		return readers.Resume{}, err
	}
	if resume.Logged, err = o.logged(ctx); err != nil {
		return readers.Resume{}, err
	}
	resume.Identity, resume.Notices = o.identity().encode(), o.notices
	resume.Again = o.cfg.SnapshotMode == SnapshotAlways && !resume.Snapshot
	r.wire.begin(resume.From)
	r.streamer.expect = o.system
	r.startWatch()
	return resume, nil
}

// look asks the server everything that decides.
func (o *opening) look(ctx context.Context) error {
	if err := o.lookAtLog(ctx); err != nil {
		return err
	}
	standby, err := o.cfg.standbyFindings(ctx, o.sql, o.server)
	if err != nil {
		return err
	}
	standby = append(standby, o.cfg.replicationFindings(o.server)...)
	if err := fault.Findings(standby).Err(); err != nil {
		return err
	}
	o.notices = append(o.notices, standby...)
	if o.want, err = newCatalog(o.cfg, o.sql).capture(ctx, o.cfg.PublicationViaRoot); err != nil {
		return err
	}
	if o.filters, err = o.cfg.rowFilterFindings(ctx, o.sql, o.server, o.want, o.pub); err != nil {
		return err
	}
	o.slot, err = o.r.awaitRelease(ctx, o.sql, o.slot)
	return err
}

// lookAtLog asks what decides whether the stored position's log is all there.
func (o *opening) lookAtLog(ctx context.Context) error {
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
	if o.history, err = readHistory(ctx, o.repl, o.system.Timeline); err != nil {
		return err
	}
	if o.pub, err = readPublication(ctx, o.sql, o.cfg.PublicationName); err != nil {
		return err
	}
	o.slot, err = readSlot(ctx, o.sql, o.cfg.SlotName)
	return err
}

// Foresee says of what is stored why a start could not go on from it, and what it would say of it. It changes nothing and
// waits for nobody. What keeps it from looking, Check says too.
func (r *Reader) Foresee(ctx context.Context, stored readers.Stored) []fault.Finding {
	o := &opening{r: r, cfg: r.cfg, stored: stored}
	defer o.close(ctx)
	if err := o.lookAtLog(ctx); err != nil {
		return nil
	}
	if err := o.judgeStored(); err != nil {
		return []fault.Finding{asFinding(err)}
	}
	return o.notices
}

// judge refuses whatever cannot be resumed or begun, before anything is changed.
func (o *opening) judge() error {
	if err := o.judgeStored(); err != nil {
		return err
	}
	fs := o.cfg.tableFindings(o.want, o.pub)
	fs = append(fs, o.cfg.publicationFindings(o.pub, o.want)...)
	fs = append(fs, o.filters...)
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
	return identity{System: o.system.Identifier, Timeline: o.system.Timeline, Slot: o.cfg.SlotName, Database: o.cfg.Database, Standby: o.server.Standby}
}

// publish makes the publication, or adds what it lacks (P57, P58).
func (o *opening) publish(ctx context.Context) error {
	switch {
	case o.pub == nil:
		return o.alter(ctx, "create", o.cfg.createPublicationSQL(o.want)+"; "+o.cfg.signPublicationSQL())
	case o.cfg.mends(o.pub):
		if o.cfg.publishGenerated(o.want) && !o.pub.Generated {
			if err := o.alter(ctx, "alter", o.cfg.setPublicationSQL(publishStored)); err != nil {
				return err
			}
		}
		missing := o.pub.missing(o.want)
		if len(missing) == 0 {
			return nil
		}
		if o.slot != nil && !o.stored.Position.IsZero() {
			o.notices = append(o.notices, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: publicationObject(o.cfg.PublicationName), Case: "P58",
				Seen: fmt.Sprintf("%s was added to it now", listIDs(missing)), Need: "nothing: its rows are read while the log is streamed, also of one that was captured before"})
		}
		return o.alter(ctx, "alter", o.cfg.addTablesSQL(missing))
	default:
		return nil
	}
}

func (o *opening) alter(ctx context.Context, op, sql string) error {
	if o.server.Standby {
		return o.onStandby(op, publicationObject(o.cfg.PublicationName), sql)
	}
	_, err := o.sql.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == stateNoPrivilege {
		return &fault.Error{Kind: fault.Preflight, Op: op, Object: publicationObject(o.cfg.PublicationName), Cause: said(server), Permanent: true,
			Hint: fmt.Sprintf("as a superuser, or as the tables' owner: %s; then set publication.autocreate.mode: disabled", sql)}
	}
	if err != nil {
		return serverFault(op, publicationObject(o.cfg.PublicationName), err)
	}
	o.altered = true
	return nil
}

// resume says from where, having made the slot on a first start.
func (o *opening) resume(ctx context.Context) (readers.Resume, error) {
	snapshotDue := o.cfg.SnapshotMode != SnapshotNone && !o.stored.SnapshotDone
	switch {
	case o.slot == nil && snapshotDue:
		if err := pause(ctx, o.cfg.SnapshotDelay); err != nil {
			return readers.Resume{}, err
		}
		made, err := o.create(ctx, exportSnapshot)
		return readers.Resume{Snapshot: true, From: made}, err
	case o.slot == nil:
		made, err := o.create(ctx, noSnapshot)
		return readers.Resume{From: made}, err
	case !o.stored.Position.IsZero():
		return readers.Resume{From: o.stored.Position}, nil
	default:
		// A first start was cut off. The slot has everything from its consistent point on, which nobody has
		// confirmed: what is left of the snapshot is read while the log is streamed from there (P56).
		return readers.Resume{From: offsets.Position{Place: o.slot.Confirmed}}, nil
	}
}

// create makes the slot, and keeps the snapshot of its consistent point where one was asked for.
func (o *opening) create(ctx context.Context, use snapshotUse) (offsets.Position, error) {
	name := o.cfg.SlotName
	made, err := createSlot(ctx, o.repl, o.sql, name, o.cfg.slotCommand(o.server.major(), use), o.r.slotPatience)
	if err != nil {
		return offsets.Position{}, err
	}
	from := offsets.Position{Place: made.Consistent}
	if use == noSnapshot {
		return from, nil
	}
	source := newSnapshotSource(o.cfg, o.repl, made)
	o.repl = nil
	o.r.mu.Lock()
	o.r.source, o.r.copied = source, true
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
