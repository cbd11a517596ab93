package postgres

import (
	"context"
	"errors"
	"fmt"

	"rdip/internal/fault"
	"rdip/readers"
)

// judgeStored compares what is stored with the server and the slot, as snapshot.mode asks: a lost position ends the
// start, or begins everything anew.
func (o *opening) judgeStored() error {
	if o.cfg.SnapshotMode == SnapshotRecovery {
		if err := o.judgeRecovery(); err != nil {
			return err
		}
	}
	err := o.judgeLog()
	if fault.KindOf(err) != fault.PositionLost || o.cfg.SnapshotMode != SnapshotWhenNeeded || !o.sameDatabase() {
		return err
	}
	o.renew(err)
	return nil
}

// judgeLog: is it the log that the stored position belongs to, and is it all there?
func (o *opening) judgeLog() error {
	if o.stored.Identity != "" {
		if err := o.identity().compare(o.stored.Identity, o.r.name); err != nil {
			return err
		}
	}
	return o.judgeSlot()
}

// judgeRecovery: the mode only goes on. PostgreSQL's log describes its own tables, so that there is no schema history
// to recover, which the mode is for elsewhere.
func (o *opening) judgeRecovery() error {
	if o.stored.Position.IsZero() {
		return &fault.Error{Kind: fault.Preflight, Op: "resume from", Object: slotObject(o.cfg.SlotName), Permanent: true,
			Cause: errors.New("snapshot.mode is recovery, and no position is stored to go on from"),
			Hint:  fmt.Sprintf("snapshot.mode: initial, to copy the tables; or rdip offsets set %s --lsn LSN --config FILE, where the position is known", o.r.name)}
	}
	o.notices = append(o.notices, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: "snapshot.mode",
		Seen: "recovery: there is nothing to recover, since PostgreSQL's log describes its own tables", Need: "nothing: the stream goes on from the stored position", Fix: "snapshot.mode: initial"})
	return nil
}

// sameDatabase: what is stored is of this cluster, database and slot, on whatever timeline. Another cluster's is
// refused in every mode: a configuration that leads to the wrong server must not fill the topics with its rows.
func (o *opening) sameDatabase() bool {
	was, err := decodeIdentity(o.stored.Identity)
	if err != nil {
		return false
	}
	now := o.identity()
	now.Timeline, now.Standby = was.Timeline, was.Standby
	return was == now
}

// renew makes it a first start (when_needed). Nothing is changed yet.
func (o *opening) renew(lost error) {
	var why *fault.Error
	cause := lost
	if errors.As(lost, &why) {
		cause = why.Cause
	}
	at := "while its first snapshot was read"
	if place := o.stored.Position.Place; place != 0 {
		at = fmt.Sprintf("the stored position is %s, and the log ends at %s", lsnText(place), lsnText(o.system.Flushed))
	}
	o.notices = append(o.notices, fault.Finding{Severity: fault.Warning, Kind: fault.PositionLost, Where: slotObject(o.cfg.SlotName),
		Seen: fmt.Sprintf("%s; %s", cause, at),
		Need: "a new slot and a new snapshot, which are made now (snapshot.mode: when_needed): what was changed more than once in the gap is told once, and rows deleted in it are never told to be deleted",
		Fix:  "compare the consumers with the tables where that matters; raise max_slot_wal_keep_size so that it does not happen again"})
	o.renewed, o.slot = o.slot, nil
	o.stored = readers.Stored{Keep: o.stored.Keep}
}

// dropRenewed drops the slot that a new one takes the place of. It is ours: the stored identity names it.
func (o *opening) dropRenewed(ctx context.Context) error {
	if o.renewed == nil {
		return nil
	}
	if _, err := o.sql.Exec(ctx, "SELECT pg_drop_replication_slot($1)", o.renewed.Name); err != nil {
		return serverFault("drop", slotObject(o.renewed.Name), err)
	}
	return nil
}
