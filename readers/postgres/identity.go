package postgres

import (
	"encoding/json"
	"fmt"

	"rdip/internal/fault"
)

// identity says which log a position belongs to: an LSN means nothing on another server, nor behind a
// failover, where the log went on from another place (P60 to P62).
type identity struct {
	System   string `json:"system_identifier"`
	Timeline int    `json:"timeline"`
	Slot     string `json:"slot"`
	Database string `json:"database"`
	Standby  bool   `json:"standby,omitempty"` // it was streamed from a standby
}

func (i identity) encode() string {
	b, err := json.Marshal(i)
	if err != nil {
		panic(err) // of strings and a number: it cannot fail
	}
	return string(b)
}

// decodeIdentity reads what encode wrote.
func decodeIdentity(text string) (identity, error) {
	var i identity
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		return identity{}, fmt.Errorf("the stored identity %q cannot be read: %w", text, err)
	}
	return i, nil
}

// compare is why a stored identity is not the server's, or nil. An older timeline is judged with the position
// (judgeTimeline).
func (i identity) compare(stored string, connector string) error {
	old, err := decodeIdentity(stored)
	if err != nil {
		return &fault.Error{Kind: fault.PositionLost, Op: "resume", Cause: err, Hint: resetHint(connector), Permanent: true}
	}
	lost := func(what, id string, was, is any, why string) error {
		return &fault.Error{Kind: fault.PositionLost, Op: "resume", Object: what, Permanent: true,
			Cause: fmt.Errorf("the stored position belongs to %s %v, and here it is %v: %s (%s)", what, was, is, why, id),
			Hint:  resetHint(connector)}
	}
	switch {
	case old.System != i.System:
		return lost("system identifier", "P61", old.System, i.System, "it is another cluster, one made anew, or one that pg_upgrade made, for which docs/OPERATIONS.md has the steps without a copy")
	case old.Timeline > i.Timeline:
		return lost("timeline", "P61", old.Timeline, i.Timeline, "the server was restored from a backup that is older than the failover")
	case old.Database != i.Database:
		return lost("database", "P62", old.Database, i.Database, "database.dbname was changed")
	case old.Slot != i.Slot:
		return lost("slot", "P62", old.Slot, i.Slot, "slot.name was changed; the new slot may lack what the old one still has to send")
	}
	return nil
}

// resetHint is how to begin again with a new snapshot.
func resetHint(connector string) string {
	return fmt.Sprintf("to copy everything again: rdip offsets reset %s --config FILE", connector)
}
