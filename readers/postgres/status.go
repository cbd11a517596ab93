package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"rdip/readers"
)

// pollEvery is how often the server is asked for the slot's state.
const pollEvery = 10 * time.Second

// watch asks for the slot's state now and then, on a session of its own, so that Status has an answer at
// once. What it cannot learn stays unknown: a failure of its own stops nothing.
type watch struct {
	cancel context.CancelFunc
	done   chan struct{}
	seen   atomic.Pointer[slotView]
}

// slotView is the slot as it was seen last.
type slotView struct {
	Flushed   uint64 // the end of the server's log
	Confirmed uint64
	Retained  int64
	Limit     int64 // max_slot_wal_keep_size, -1 for none
	Detail    string
}

// startWatch begins to watch the slot, once a Reader.
func (r *Reader) startWatch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watch != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{cancel: cancel, done: make(chan struct{})}
	r.watch = w
	go func() {
		defer close(w.done)
		w.run(ctx, r.cfg, r.pollEvery)
	}()
}

func (w *watch) run(ctx context.Context, cfg *Config, every time.Duration) {
	session := &catalogSession{cfg: cfg}
	defer session.close()
	for ctx.Err() == nil {
		if view, err := readView(ctx, session, cfg); err == nil {
			w.seen.Store(view)
		} else {
			w.seen.Store(nil)
			session.close()
		}
		_ = pause(ctx, every)
	}
}

// stop ends the watch and waits for it.
func (w *watch) stop() {
	w.cancel()
	<-w.done
}

const viewSQL = `
SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)::text,
	coalesce((SELECT setting::int8 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'), -1)`

func readView(ctx context.Context, q querier, cfg *Config) (*slotView, error) {
	ctx, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	var flushed string
	v := &slotView{Retained: -1}
	if err := q.QueryRow(ctx, viewSQL).Scan(&flushed, &v.Limit); err != nil {
		return nil, err
	}
	if v.Limit >= 0 {
		v.Limit <<= 20
	}
	var err error
	if v.Flushed, err = parseLSN(flushed); err != nil {
		return nil, err
	}
	s, err := readSlot(ctx, q, cfg.SlotName)
	if err != nil {
		return nil, err
	}
	v.Detail = fmt.Sprintf("slot %s, publication %s", cfg.SlotName, cfg.PublicationName)
	switch {
	case s == nil:
		v.Detail += ": the slot does not exist"
	case s.invalid() != "":
		v.Detail += ": " + s.invalid()
	default:
		v.Retained, v.Confirmed = s.Retained, s.Confirmed
		v.Detail += fmt.Sprintf(", wal_status %s, confirmed up to %s", s.WALStatus, lsnText(s.Confirmed))
		if s.ActivePID != 0 {
			v.Detail += fmt.Sprintf(", read by PID %d", s.ActivePID)
		}
	}
	return v, nil
}

// Status is how far behind the server the reader is. It waits for nothing.
func (r *Reader) Status() readers.Status {
	st := readers.Status{Connected: r.wire.connected.Load(), LastWire: r.wire.heard(),
		SourcePlace: r.wire.server.Load(), ReadPlace: r.wire.read.Load(), LagBytes: -1, RetainedBytes: -1, RetainLimit: -1}
	r.mu.Lock()
	w := r.watch
	r.mu.Unlock()
	if w != nil {
		if v := w.seen.Load(); v != nil {
			st.SourcePlace = max(st.SourcePlace, v.Flushed)
			st.RetainedBytes, st.RetainLimit, st.Detail = v.Retained, v.Limit, v.Detail
		}
	}
	confirmed := r.wire.confirmed.Load()
	if st.SourcePlace > 0 && confirmed > 0 {
		st.LagBytes = int64(max(st.SourcePlace, confirmed) - confirmed)
	}
	if why := r.wire.heartbeat.Load(); why != nil {
		st.Detail += "; the last heartbeat failed: " + *why
	}
	return st
}
