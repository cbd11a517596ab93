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

// What was warned of goes from the status once it is not so any more, and what else was said stays.
func TestAWarningIsForgottenWithItsCause(t *testing.T) {
	task := &Task{Log: slog.New(slog.DiscardHandler)}
	task.warn(aboutSignals, signalNotices, "no signal")
	task.warn(aboutSignalTopic, 1, "it is not there")
	task.warn(aboutSignalTopic, 1, "it cannot be read")
	if got := task.notices; len(got) != 2 || got[1].Seen != "it cannot be read" {
		t.Errorf("before: %v", got)
	}
	task.forgetWarnings(aboutSignalTopic)
	if got := task.notices; len(got) != 1 || got[0].Seen != "no signal" {
		t.Errorf("after: %v", got)
	}
}
