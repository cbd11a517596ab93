package connect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rdip/connect/source"
	"rdip/internal/fault"
)

// Survey is what a connector costs its source, whether it runs or not.
type Survey struct {
	RetainedBytes int64  // log that the source keeps for it; -1 where unknown
	RetainLimit   int64  // the source's own limit of that; -1 for none
	WarnBytes     int64  // without a limit: from how many bytes on that is worth a warning; 0 for never
	Detail        string // one line for people, shown while no run has a better one
	// Orphans are things at the source that look like a connector's and that nobody here uses. Where is the
	// object, and tells one from another.
	Orphans []fault.Finding
	// Uncovered are objects that the connector is to read and of which its source tells it nothing (P19). Where tells
	// one from another.
	Uncovered []fault.Finding
}

// surveyTimeout is how long one look may take.
const surveyTimeout = 15 * time.Second

// looked is what the last look at a connector's source gave.
type looked struct {
	survey  Survey
	known   bool
	tries   int // status.Retries then: what a later attempt made at the source is not in the look
	alarm   Alarm
	orphans map[string]bool // and what is uncovered, that were told
}

// Alarm says how near the log that a source keeps for a connector is to hurting somebody (P68).
type Alarm int

// The alarms.
const (
	AlarmNone Alarm = iota
	AlarmHalf       // half of the source's limit, or what a source without a limit is warned of
	AlarmHigh       // 80% of the limit
)

// alarmOf judges retained bytes.
func alarmOf(retained, limit, warn int64) Alarm {
	switch {
	case retained < 0:
		return AlarmNone
	case limit > 0 && retained >= limit/5*4:
		return AlarmHigh
	case limit > 0 && retained >= limit/2, limit < 0 && warn > 0 && retained >= warn:
		return AlarmHalf
	default:
		return AlarmNone
	}
}

// finding is the alarm as people read it.
func (a Alarm) finding(connector string, retained, limit int64, held held) (fault.Finding, bool) {
	if a == AlarmNone {
		return fault.Finding{}, false
	}
	f := fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "connector " + connector, Case: "P68",
		Seen: fmt.Sprintf("its source keeps %d bytes of log for it and has no limit", retained), Need: "less, before the source's disk is full",
		Fix: fmt.Sprintf("see what it waits for (rdip status %[1]s), resume it (rdip resume %[1]s), or give it up (rdip drop %[1]s)", connector)}
	if limit >= 0 {
		f.Seen = fmt.Sprintf("its source keeps %d bytes of log for it, %d%% of the limit of %d", retained, retained/max(limit/100, 1), limit)
		f.Need = "less: beyond the limit its position is lost"
	}
	if held.table != "" {
		f.Seen += fmt.Sprintf(", %d of them for table %s, which has stopped", held.bytes, held.table)
		f.Fix = fmt.Sprintf("mend the table and resume it (rdip resume %s %s), or leave it out of table.include.list; quarantine.max.retained.bytes gives such a table up by itself", connector, held.table)
	}
	return f, true
}

// held is the stopped table that holds a source back, and by how many bytes of log; zero for none.
type held struct {
	table string
	bytes int64
}

func holding(s *source.Status) held {
	table, bytes, _ := s.Holding()
	return held{table, bytes}
}

// survey looks at every connector now and then, and after each change of them, until ctx ends.
func (w *Worker) survey(ctx context.Context) {
	tick := time.NewTicker(w.options.SurveyEvery)
	defer tick.Stop()
	for {
		for _, u := range w.all() {
			u.survey(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.changed:
		}
	}
}

// survey looks once, and logs what is new: each crossing of a threshold and each orphan once. A look that
// fails tells nothing; a source that is away is told by the task.
func (u *unit) survey(ctx context.Context) {
	c := u.current()
	if c.Survey == nil || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	s, err := c.Survey(ctx)
	if err != nil {
		u.log.Debug("the source cannot be looked at", "connector", c.Task.Name, "error", err)
		return
	}
	alarm := alarmOf(s.RetainedBytes, s.RetainLimit, s.WarnBytes)
	status := c.Task.Status()
	heldBy := holding(&status)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.connector.Task != c.Task {
		return // it was replaced meanwhile
	}
	was := u.looked
	u.looked = looked{survey: s, known: true, tries: status.Retries, alarm: alarm, orphans: map[string]bool{}}
	if f, ok := alarm.finding(c.Task.Name, s.RetainedBytes, s.RetainLimit, heldBy); ok && alarm > was.alarm {
		u.log.Warn(f.String())
	} else if alarm == AlarmNone && was.alarm > AlarmNone {
		u.log.Info("the log that the source keeps is below its thresholds again", "connector", c.Task.Name, "bytes", s.RetainedBytes)
	}
	for _, f := range slices.Concat(s.Orphans, s.Uncovered) {
		u.looked.orphans[f.Where] = true
		if !was.orphans[f.Where] {
			u.log.Warn(f.String())
		}
	}
}

func (u *unit) current() Connector {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.connector
}

// cost is what the connector costs its source now: what the run knows, else the last look.
func (l *looked) cost(s *source.Status) (retained, limit int64, detail string) {
	retained, limit, detail = s.Source.RetainedBytes, s.Source.RetainLimit, s.Source.Detail
	if retained < 0 && l.known {
		retained, limit = l.survey.RetainedBytes, l.survey.RetainLimit
		if detail == "" && s.Retries == l.tries {
			detail = l.survey.Detail
		}
	}
	return retained, limit, detail
}

// findings are what the last look warns of.
func (l *looked) findings(connector string, retained, limit int64, held held) []fault.Finding {
	var all []fault.Finding
	if f, ok := alarmOf(retained, limit, l.survey.WarnBytes).finding(connector, retained, limit, held); ok {
		all = append(all, f)
	}
	return slices.Concat(all, l.survey.Orphans, l.survey.Uncovered)
}
