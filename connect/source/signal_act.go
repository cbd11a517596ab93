package source

import (
	"context"
	"fmt"
	"log/slog"

	"rdip/connect/source/signals"
	"rdip/offsets"
	"rdip/snapshot"
)

// act does what a signal asks for and forgets the signal, in one write of the record.
func (r *run) act(ctx context.Context, s offsets.Signal) error {
	data, err := signals.Parse(s)
	if err != nil {
		return err
	}
	switch s.Type {
	case "execute-snapshot":
		return r.executeSnapshot(ctx, s, data)
	case "stop-snapshot":
		return r.changeSnapshot(s, data, (*snapshot.Readings).Stop)
	case "pause-snapshot":
		return r.changeSnapshot(s, data, (*snapshot.Readings).Pause)
	case "resume-snapshot":
		return r.changeSnapshot(s, data, (*snapshot.Readings).Resume)
	case "log":
		r.task.Log.LogAttrs(ctx, slog.LevelInfo, "a signal says", slog.String("signal", s.ID), slog.String("message", data.Message))
		return r.ledger.drop(s.Number)
	default:
		return signals.Refused(fmt.Errorf("type %q is not known", s.Type), "use execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot or log")
	}
}

// executeSnapshot asks for tables to be read. A blocking snapshot is read as an incremental one: the stream goes on.
func (r *run) executeSnapshot(ctx context.Context, s offsets.Signal, data *signals.Data) error {
	blocking, err := data.IsBlocking()
	if err != nil {
		return err
	}
	captured, err := r.captured(ctx)
	if err != nil {
		return err
	}
	asked, err := data.Asked(captured)
	if err != nil {
		return err
	}
	if err := r.ask(ctx, asked, captured, "signal "+s.ID, without(s.Number)); err != nil {
		return err
	}
	if blocking {
		r.task.warn(aboutSignals, signalNotices, fmt.Sprintf("signal %s asks for a blocking snapshot: it is read as an incremental one, while the log is streamed", signals.Name(s)))
	}
	r.task.Log.Info("a signal asks for a snapshot", "signal", s.ID, "channel", s.Channel, "tables", len(asked))
	return nil
}

// changeSnapshot pauses, resumes or stops what is under way, all of it where the signal names no table.
func (r *run) changeSnapshot(s offsets.Signal, data *signals.Data, change func(*snapshot.Readings, ...string) error) error {
	tables := r.ledger.readings.Underway()
	if len(tables) == 0 {
		return signals.Refused(errNoSnapshot, "nothing is to be done")
	}
	if len(data.Tables) > 0 {
		var err error
		if tables, err = signals.Matching(data.Tables, tables); err != nil {
			return err
		}
	}
	return r.ledger.change(func(g *snapshot.Readings) error { return change(g, tables...) }, without(s.Number))
}
