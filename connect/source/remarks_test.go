package source

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// G8: what is said of a reading again and again is shown once, the newest last, and the oldest goes.
func TestRemarksOfReadingsAreBounded(t *testing.T) {
	task := &Task{Log: slog.New(slog.DiscardHandler)}
	task.notice(cameLater("shop", []string{"public.orders"}))
	for i := range 1000 {
		task.remark(fmt.Sprintf("remark %d", i/2))
	}
	got := task.notices
	if len(got) != 1+mostRemarks || got[0].Where != "table public.orders" || got[1].Seen != fmt.Sprintf("remark %d", 500-mostRemarks) || !strings.HasSuffix(got[mostRemarks].Seen, " 499") {
		t.Errorf("%d notices: %v", len(got), got)
	}
}
