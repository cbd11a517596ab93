package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
)

// goodbyeTime bounds how long a stream that ends well waits for the server to let the slot go.
const goodbyeTime = 2 * time.Second

// streamer reads the log of one slot. One run at a time; wire outlives the runs.
type streamer struct {
	cfg    *Config
	wire   *progress
	expect system // who the server has to be; zero for whoever answers
}

func newStreamer(cfg *Config, wire *progress) *streamer { return &streamer{cfg: cfg, wire: wire} }

// run streams from a place until ctx ends, the Handler refuses or the source fails. An error of h comes
// back as it is, the end of ctx as ctx.Err(); everything else is a *fault.Error. From is durable: it is
// what the server is told until more is confirmed.
func (s *streamer) run(ctx context.Context, from offsets.Position, h envelope.Handler) error {
	s.wire.begin(from)
	if err := clearSpill(s.cfg.SpillDir); err != nil {
		return err
	}
	got, err := s.start(ctx, startPlace(from))
	if err != nil {
		return err
	}
	s.wire.connected.Store(true)
	defer s.wire.connected.Store(false)
	return s.stream(ctx, got, from.Place, h)
}

// stream runs the three that share a session: this goroutine, which reads and calls the Handler, the
// keepalive, which alone writes, and the heartbeat on a session of its own.
func (s *streamer) stream(ctx context.Context, got *session, from uint64, h envelope.Handler) error {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	every, limit := timing(got.timeout, s.cfg.StatusInterval)
	alive := newKeepalive(got.conn, s.wire, got.receiver.silence, every, limit, func(err error) {
		got.dead.Store(true)
		s.wire.connected.Store(false) // known at once, even while the Handler is busy
		cancel(err)
	})
	stop := context.AfterFunc(work, got.receiver.interrupt)
	defer stop()

	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { alive.run(done) })
	if s.cfg.HeartbeatInterval > 0 {
		group.Go(func() { (&heartbeat{cfg: s.cfg, every: s.cfg.HeartbeatInterval, wire: s.wire}).run(work) })
	}

	if s.cfg.XminInterval > 0 && s.cfg.xmin != nil {
		group.Go(func() { s.cfg.xmin.run(work, s.cfg) })
	}

	sql := &catalogSession{cfg: s.cfg}
	d := newDecoder(work, h, from, s.wire)
	d.slot = s.cfg.SlotName
	if s.cfg.Spills() {
		d.spill = newSpill(s.cfg)
		defer d.spill.close()
	}
	cat := newCatalog(s.cfg, sql)
	d.captured, d.layout = cat.filter.captured, cat.layout
	if s.cfg.Events.DDL {
		d.altered = cat.schemaChange
	}
	err := ending(ctx, work, s.read(got, d, alive))

	cancel(nil)
	close(done)
	group.Wait()
	sql.close()
	leave(got, alive)
	return err
}

// ending is why a stream ended: the end of ctx, or what made the keepalive cancel work, where err is only
// the effect of either; otherwise err, which may be the Handler's, unchanged.
func ending(ctx, work context.Context, err error) error {
	effect := errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled) && work.Err() != nil
	switch {
	case effect && ctx.Err() != nil:
		return ctx.Err()
	case effect:
		return context.Cause(work)
	default:
		return err
	}
}

// read takes messages until one of them, the connection or the Handler ends it.
func (s *streamer) read(got *session, d *decoder, alive *keepalive) error {
	for {
		typ, payload, err := got.framer.next()
		if err != nil {
			if err = s.unread(got, d, err); err != nil {
				return err
			}
			continue
		}
		if typ != backendCopyData {
			if err := s.other(typ, payload); err != nil {
				got.dead.Store(true)
				return err
			}
			continue
		}
		if err := s.copyData(payload, d, alive); err != nil {
			return err
		}
	}
}

// copyData is a piece of log, or a keepalive.
func (s *streamer) copyData(b []byte, d *decoder, alive *keepalive) error {
	switch {
	case len(b) > xlogHeaderBytes && b[0] == copyXLogData:
		if d.block != nil {
			return d.gather(binary.BigEndian.Uint64(b[1:]), b[xlogHeaderBytes:])
		}
		return d.change(binary.BigEndian.Uint64(b[1:]), b[xlogHeaderBytes:])
	case len(b) == keepaliveBytes && b[0] == copyKeepalive:
		end := binary.BigEndian.Uint64(b[1:])
		raise(&s.wire.server, end)
		if b[17] != 0 {
			alive.answer()
		}
		return d.keepalive(end)
	default:
		return d.corrupt(0, errCopyData)
	}
}

var errCopyData = errors.New("a CopyData message is neither log nor a keepalive")

// other is everything that is no CopyData: notices and parameters pass, the rest ends the stream.
func (s *streamer) other(typ byte, payload []byte) error {
	switch typ {
	case backendNotice, backendParameter:
		return nil
	case backendError:
		return s.streamFault(parseError(payload))
	case backendCopyDone, backendComplete, backendReady:
		return &fault.Error{Op: "stream from", Object: slotObject(s.cfg.SlotName), Cause: errors.New("the server has ended the stream; it is shutting down")}
	default:
		return &fault.Error{Op: "stream from", Object: slotObject(s.cfg.SlotName), Cause: fmt.Errorf("an unexpected message of type %q", typ), Permanent: true}
	}
}

// unread is why there is no next message: the read would wait, which is the moment to flush; a row is too
// large, which stops its table and is passed over; or the connection has failed.
func (s *streamer) unread(got *session, d *decoder, err error) error {
	if errors.Is(err, errWouldWait) {
		return d.h.Flush()
	}
	var large *oversizeError
	if !errors.As(err, &large) {
		if errors.Is(err, errInterrupted) {
			return err
		}
		got.dead.Store(true)
		return lostConnection(err)
	}
	large.Bytes, large.Limit = large.Bytes-xlogHeaderBytes, large.Limit-xlogHeaderBytes
	if err := d.oversize(large); err != nil {
		return err
	}
	got.framer.discard()
	return nil
}

// streamFault is an error that the server raised while it was streaming.
func (s *streamer) streamFault(e *pgconn.PgError) error {
	f := &fault.Error{Op: "stream from", Object: slotObject(s.cfg.SlotName), Cause: said(e), Permanent: isPermanentState(e.Code)}
	switch e.Code {
	case stateUndefinedObject:
		// get_publication_oid: a publication is looked up while changes are decoded, as the catalog was at
		// the change; one that was made later than the change is not found either (P57).
		f.Kind = fault.Preflight
		f.Hint = fmt.Sprintf("the publication %s must be older than what the slot has still to send: make it, then a new slot and snapshot", quoteIdentifier(s.cfg.PublicationName))
	case stateUntranslatable: // P65: said by the walsender, which ends there each time
		f.Hint = "the log cannot be read past that row in UTF-8: mend the rows that have the character, then " + resetHint("CONNECTOR")
	case stateUndefinedFile:
		return s.lost(f, "the log that the slot needs was removed")
	}
	return f
}

// leave ends the session. Where the connection still works it confirms for the last time and waits, within
// a bound, until the server has let the slot go, so that the next start does not find it held.
func leave(got *session, alive *keepalive) {
	defer func() { _ = got.conn.Close() }()
	if got.dead.Load() || alive.goodbye() != nil {
		return
	}
	if got.conn.SetReadDeadline(time.Now().Add(goodbyeTime)) != nil {
		return
	}
	scrap := make([]byte, 64<<10)
	for {
		if _, err := got.conn.Read(scrap); err != nil {
			return
		}
	}
}
