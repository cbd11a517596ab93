package postgres

import (
	"context"
	"fmt"
	"time"

	"rdip/internal/fault"
)

// settingsSQL asks for settings that not every version has. The unit of idle_replication_slot_timeout was
// another while 18 was in the making.
const settingsSQL = `
SELECT coalesce((SELECT setting::bigint * CASE unit WHEN 'min' THEN 60 ELSE 1 END FROM pg_settings WHERE name = 'idle_replication_slot_timeout'), 0)`

// idleSlotTimeout is how long a slot may be without a reader before the server invalidates it; 0 for ever.
func idleSlotTimeout(ctx context.Context, q querier) (time.Duration, error) {
	var seconds int64
	if err := q.QueryRow(ctx, settingsSQL).Scan(&seconds); err != nil {
		return 0, serverFault("read the settings of", "the server", err)
	}
	return time.Duration(seconds) * time.Second, nil
}

// settingFindings are settings that decide how long rdip may be away, and how much room there is for slots.
func (s *server) settingFindings(slot *slot, idle time.Duration) []fault.Finding {
	var fs []fault.Finding
	if idle > 0 {
		fs = append(fs, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "idle_replication_slot_timeout", Case: "P50",
			Seen: fmt.Sprintf("%v: a slot that nobody reads for as long is invalidated: a pause, or an absence of rdip, of that length loses the position", idle),
			Need: "0, or longer than any absence", Fix: "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf()"})
	}
	if slot == nil && s.Slots < s.MaxSlots {
		fs = append(fs, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: "max_replication_slots",
			Seen: fmt.Sprintf("%d of %d are in use, and the first start makes one", s.Slots, s.MaxSlots), Need: "a free one"})
	}
	if s.SenderExpiry == 0 {
		fs = append(fs, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: "wal_sender_timeout", Case: "P45",
			Seen: "0: when rdip's machine goes without a word, the server notices as late as its TCP does, and holds the slot for it", Need: "a time, such as the default",
			Fix: "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf()"})
	}
	return fs
}
