package postgres

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"rdip/internal/fault"
)

// judgeSlot compares what is stored with the slot and the end of the log: is everything behind the stored
// position still to be had (P48 to P50, P61, P62)?
func (o *opening) judgeSlot() error {
	s := o.slot
	if err := o.judgeTimeline(); err != nil {
		return err
	}
	if s == nil {
		return o.judgeMissing()
	}
	if why := s.foreign(o.cfg.Database); why != "" {
		return &fault.Error{Kind: fault.Preflight, Op: "open", Object: slotObject(s.Name), Permanent: true,
			Cause: errors.New(why), Hint: "set slot.name to a slot of this connector's own"}
	}
	if why := s.invalid(); why != "" {
		return o.lost(why + o.behind("P50"))
	}
	if err := o.judgeOptions(s); err != nil {
		return err
	}
	if o.stored.Identity == "" && o.stored.Position.IsZero() {
		return o.notOurs()
	}
	if o.pub == nil {
		return &fault.Error{Kind: fault.Preflight, Op: "open", Object: publicationObject(o.cfg.PublicationName), Permanent: true,
			Cause: fmt.Errorf("it does not exist, but slot %q does: made now, it would come after changes that the slot has still to send, and they would be missing (P57)", s.Name),
			Hint:  o.repair()}
	}
	if o.stored.Position.IsZero() {
		return nil
	}
	return o.judgePosition(s)
}

// judgeMissing: a slot that is gone is only made on a first start.
func (o *opening) judgeMissing() error {
	if o.firstStart() {
		return nil
	}
	if o.stored.Position.IsZero() {
		return o.lost("the slot does not exist any more, and its snapshot was not finished (P48)" + o.promoted())
	}
	return o.lost("the slot does not exist any more" + o.behind("P48") + o.promoted())
}

// judgePosition: the log from the stored position on must be all there.
func (o *opening) judgePosition(s *slot) error {
	at := startPlace(o.stored.Position)
	switch {
	case at > o.system.Flushed && o.server.Standby:
		return &fault.Error{Op: "resume from", Object: slotObject(s.Name), Hint: "wait for the standby to catch up with its primary; it is tried again",
			Cause: fmt.Errorf("the standby's log ends at %s, %d bytes before the stored position %s", lsnText(o.system.Flushed), at-o.system.Flushed, lsnText(at))}
	case at > o.system.Flushed:
		return o.lost(fmt.Sprintf("the stored position %s is %d bytes beyond the end of the server's log, %s: the server was restored to an earlier point (P61)",
			lsnText(at), at-o.system.Flushed, lsnText(o.system.Flushed)))
	case at < s.Confirmed && o.cfg.Mismatch != TrustOffset && o.cfg.Mismatch != "":
		o.trustSlot(s)
		return nil
	case at < s.Confirmed:
		return o.lost(fmt.Sprintf("the slot begins at %s, %d bytes behind the stored position %s: it was made anew (P49), or the stored position is older than what was confirmed (P62)",
			lsnText(s.Confirmed), s.Confirmed-at, lsnText(at)))
	case at < s.Restart:
		return o.lost(fmt.Sprintf("the slot's log begins at %s, %d bytes behind the stored position %s (P49)", lsnText(s.Restart), s.Restart-at, lsnText(at)))
	default:
		return nil
	}
}

// behind tells the gap to the end of the log.
func (o *opening) behind(id string) string {
	at := o.stored.Position.Place
	if at == 0 || at > o.system.Flushed {
		return " (" + id + ")"
	}
	return fmt.Sprintf("; the gap is from the stored position %s to the end of the log, %s: %d bytes (%s)", lsnText(at), lsnText(o.system.Flushed), o.system.Flushed-at, id)
}

// lost is a position that the server no longer serves. Nothing was skipped.
func (o *opening) lost(why string) error {
	return &fault.Error{Kind: fault.PositionLost, Op: "resume from", Object: slotObject(o.cfg.SlotName), Cause: errors.New(why), Hint: o.repair(), Permanent: true}
}

// repair is how to go on: everything again, or from where the slot begins, knowing what is missing.
func (o *opening) repair() string {
	again := fmt.Sprintf("to copy everything again: rdip offsets reset %s --config FILE", o.r.name)
	if o.slot == nil {
		return again
	}
	again += "; and in the database " + dropSQL(o.slot.Name)
	if o.slot.invalid() != "" || o.slot.Confirmed == 0 {
		return again
	}
	if at := o.stored.Position.Place; at != 0 && at < o.slot.Confirmed { // O6
		again = fmt.Sprintf("if the state folder was restored from an old copy, and the topics hold what came after it: rdip offsets set %s --from-kafka --config FILE; ", o.r.name) + again
	}
	return again + fmt.Sprintf("; or, knowing that the changes in the gap are missing: rdip offsets set %s --lsn %s --config FILE", o.r.name, lsnText(o.slot.Confirmed))
}

// notOurs is a slot that is there while nothing is stored: somebody else's, or the state was lost.
func (o *opening) notOurs() error {
	s := o.slot
	return &fault.Error{Kind: fault.Preflight, Op: "open", Object: slotObject(s.Name), Permanent: true,
		Cause: errors.New("the slot exists, but nothing is stored that says this connector made it: it is another's, or the state folder was lost"),
		Hint: fmt.Sprintf("if it is another's, set slot.name to a new one; to begin with a new slot and snapshot: %s; to go on from where it stands without a snapshot: rdip offsets set %s --lsn %s --config FILE",
			dropSQL(s.Name), o.r.name, lsnText(s.Confirmed))}
}

// temporaryName names a temporary slot that is made for its snapshot alone.
func temporaryName(name string) string {
	const longest = 63 - len("_exact_") - 8
	return name[:min(len(name), longest)] + "_exact_" + strings.ToLower(rand.Text()[:8])
}
