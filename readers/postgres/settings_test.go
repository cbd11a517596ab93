package postgres

import (
	"strings"
	"testing"
	"time"
)

// P50, P45: how long rdip may be away, and whether the server would notice, is said before the start.
func TestSettingsThatEndASlotOrKeepADeadOneAreFound(t *testing.T) {
	plenty := &server{MaxSlots: 10, Slots: 3, SenderExpiry: time.Minute}
	for name, c := range map[string]struct {
		idle   time.Duration
		server *server
		slot   *slot
		want   string
	}{
		"all is well, and the slot is there": {0, plenty, &slot{}, ""},
		"a first start":                      {0, plenty, nil, "notice: max_replication_slots: 3 of 10 are in use"},
		"idle slots are invalidated":         {2 * time.Hour, plenty, &slot{}, "warning: idle_replication_slot_timeout: 2h0m0s"},
		"dead connections are kept":          {0, &server{MaxSlots: 10}, &slot{}, "notice: wal_sender_timeout: 0"},
		"no slot is free, which others say":  {0, &server{MaxSlots: 3, Slots: 3, SenderExpiry: time.Minute}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, f := range c.server.settingFindings(c.slot, c.idle) {
				got += f.String()
			}
			if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
