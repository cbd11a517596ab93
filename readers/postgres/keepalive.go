package postgres

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"rdip/internal/fault"
)

const (
	// statusTick is how soon the server learns of a newly confirmed place.
	statusTick = time.Second
	// replyGap is the least time between two answers: a server that is shutting down asks again at every
	// answer until everything is confirmed (WalSndDone in walsender.c).
	replyGap = 20 * time.Millisecond
	// writeTimeout bounds a status update: a peer that has vanished must not hold its writer (P47).
	writeTimeout = 10 * time.Second
	// leastSilence and mostSilence bound how long the server may say nothing while it is being read.
	leastSilence = 3 * time.Second
	mostSilence  = 5 * time.Minute
)

// keepalive tells the server what is durable, on a goroutine and a timer of its own: whatever the Handler
// does, and for however long, the server hears from us (P44, P45), also where it never asks because
// wal_sender_timeout is 0 (P46). And it notices a server that is not heard any more (P47).
type keepalive struct {
	conn     net.Conn
	wire     *progress
	silence  func() time.Duration // how long the server has been waited for
	every    time.Duration        // between two updates at the latest
	limit    time.Duration        // of silence
	ask      chan struct{}        // the server wants an answer
	fail     func(error)          // ends the stream; called once at most
	patience time.Duration        // with one write

	sentAt    time.Time
	confirmed uint64 // as sent last
	buf       [statusBytes]byte
}

// timing chooses how often to write and how long to wait for the server, from its wal_sender_timeout (0
// for none) and the configured interval. A third of the timeout leaves two losses. The server answers our
// request within half of its timeout even in the middle of decoding a transaction that it filters out
// (WalSndUpdateProgress), so that a whole timeout of silence is a dead connection.
func timing(serverTimeout, interval time.Duration) (every, limit time.Duration) {
	every = statusInterval
	if interval > 0 {
		every = min(every, interval)
	}
	if serverTimeout > 0 {
		every = min(every, serverTimeout/3)
	}
	limit = max(3*every, serverTimeout, leastSilence)
	return every, min(limit, mostSilence)
}

// statusInterval is the longest time between two updates.
const statusInterval = 10 * time.Second

func newKeepalive(conn net.Conn, wire *progress, silence func() time.Duration, every, limit time.Duration, fail func(error)) *keepalive {
	return &keepalive{conn: conn, wire: wire, silence: silence, every: every, limit: limit, ask: make(chan struct{}, 1), fail: fail, patience: writeTimeout}
}

// answer asks for an update at once. It never blocks.
func (k *keepalive) answer() {
	select {
	case k.ask <- struct{}{}:
	default:
	}
}

// run writes updates until done is closed or a write fails. It alone writes to the connection meanwhile.
func (k *keepalive) run(done <-chan struct{}) {
	tick := time.NewTicker(min(k.every, statusTick))
	defer tick.Stop()
	for {
		var err error
		select {
		case <-done:
			return
		case <-k.ask:
			if k.pause(done) {
				err = k.send(false)
			}
		case <-k.wire.ask:
			if k.pause(done) {
				err = k.send(true)
			}
		case <-tick.C:
			err = k.tick()
		}
		if err != nil {
			k.fail(err)
			return
		}
	}
}

// pause keeps replyGap between answers; it is false where done was closed meanwhile.
func (k *keepalive) pause(done <-chan struct{}) bool {
	wait := replyGap - time.Since(k.sentAt)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
		return false
	case <-timer.C:
		return true
	}
}

// tick writes where there is news, or time has passed. Since our updates keep the server from ever asking,
// a silent one is asked by us; so is one that has yet to say that it is at an awaited place.
func (k *keepalive) tick() error {
	silent := k.silence()
	if silent > k.limit {
		return &fault.Error{Op: "receive the log", Cause: fmt.Errorf("the server has sent nothing for %s, not even an answer to a keepalive", silent.Round(time.Second))}
	}
	if k.wire.marked.Load() != 0 {
		return k.send(true)
	}
	due := time.Since(k.sentAt) >= k.every-statusTick/100
	if !due && k.wire.confirmed.Load() == k.confirmed {
		return nil
	}
	return k.send(due && silent >= k.every/2)
}

// statusBytes is a Standby status update in a CopyData message: type, length, 'r', three places, a time and
// whether an answer is wanted (https://www.postgresql.org/docs/current/protocol-replication.html).
const statusBytes = 1 + 4 + 1 + 3*8 + 8 + 1

// send writes one update. All three places, written, flushed and applied, are the durable one. The slot
// advances to the flushed place alone (LogicalConfirmReceivedLocation in ProcessStandbyReplyMessage), which
// is therefore never ahead of what is durable (G4); and were rdip named in synchronous_standby_names, a
// commit under remote_write would be released by the written place, which our memory does not earn.
func (k *keepalive) send(wantAnswer bool) error {
	k.confirmed, k.sentAt = k.wire.confirmed.Load(), time.Now()
	b := k.buf[:]
	b[0] = 'd'
	binary.BigEndian.PutUint32(b[1:], statusBytes-1)
	b[5] = 'r'
	for i := range 3 {
		binary.BigEndian.PutUint64(b[6+8*i:], k.confirmed)
	}
	binary.BigEndian.PutUint64(b[30:], uint64(k.sentAt.UnixMicro()-epochMicros))
	b[38] = 0
	if wantAnswer {
		b[38] = 1
	}
	return k.write(b)
}

// goodbye confirms for the last time and ends the session. Terminate alone, without a CopyDone before it,
// is obeyed in the middle of a transaction too (ProcessRepliesIfAny in walsender.c).
func (k *keepalive) goodbye() error {
	if err := k.send(false); err != nil {
		return err
	}
	return k.write([]byte{'X', 0, 0, 0, 4})
}

func (k *keepalive) write(b []byte) error {
	if err := k.conn.SetWriteDeadline(time.Now().Add(k.patience)); err != nil {
		return lostConnection(err)
	}
	if _, err := k.conn.Write(b); err != nil {
		return lostConnection(err)
	}
	return nil
}
