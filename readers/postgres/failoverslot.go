package postgres

import (
	"context"
	"fmt"
	"strings"

	"rdip/internal/fault"
)

// slotCommand makes the connector's own slot, as the configuration asks for it.
func (c *Config) slotCommand(version int, use snapshotUse) string {
	command := createSlotCommand(version, c.SlotName, false, use)
	options := ""
	if c.TwoPhase {
		options += ", TWO_PHASE"
	}
	if c.Failover {
		options += ", FAILOVER"
	}
	if options == "" {
		return command
	}
	return strings.TrimSuffix(command, ")") + options + ")" // both came behind the parentheses of 15
}

// judgeOptions: the slot as it was made, and as the configuration asks for it.
func (o *opening) judgeOptions(s *slot) error {
	refuse := func(cause, hint string) error {
		return &fault.Error{Kind: fault.Preflight, Op: "open", Object: slotObject(s.Name), Permanent: true, Cause: fmt.Errorf("%s", cause), Hint: hint}
	}
	switch {
	case s.Synced && o.server.Standby:
		return refuse("the standby synchronizes it from its primary, and nobody can read it there before a promotion (P60)", "set slot.name to a slot of this connector's own, or database.hostname to the primary")
	case s.TwoPhase && !o.cfg.TwoPhase:
		return refuse("the slot was used with two-phase commit, and the server goes on to send prepared transactions at PREPARE (P37)", "two.phase: true")
	}
	return nil
}

// failover has the server synchronize a slot that was made without.
func (o *opening) failover(ctx context.Context) error {
	if o.slot == nil || !o.cfg.Failover || o.slot.Failover {
		return nil
	}
	if _, err := o.repl.Exec(ctx, "ALTER_REPLICATION_SLOT "+quoteIdentifier(o.slot.Name)+" (FAILOVER true)").ReadAll(); err != nil {
		return serverFault("make a failover slot of", slotObject(o.slot.Name), err)
	}
	o.notices = append(o.notices, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: slotObject(o.slot.Name), Case: "P60", Seen: "it was made a failover slot",
		Need: "nothing here; the standbys synchronize it with sync_replication_slots = on, and synchronized_standby_slots on the primary keeps rdip from being ahead of them"})
	return nil
}

// trustSlot goes on from the slot where it was confirmed beyond the stored position, which
// offset.mismatch.strategy has to ask for.
func (o *opening) trustSlot(s *slot) {
	at := o.stored.Position.Place
	o.notices = append(o.notices, fault.Finding{Severity: fault.Warning, Kind: fault.PositionLost, Where: slotObject(s.Name), Case: "P62",
		Seen: fmt.Sprintf("it was confirmed up to %s, %d bytes behind the stored position %s", lsnText(s.Confirmed), s.Confirmed-at, lsnText(at)),
		Need: fmt.Sprintf("to know that the changes between them are missing here: offset.mismatch.strategy is %s, and the stream goes on from the slot", o.cfg.Mismatch),
		Fix:  "offset.mismatch.strategy: trust_offset, to stop in place of that"})
	o.stored.Position.Place, o.stored.Position.Detail = s.Confirmed, ""
}
