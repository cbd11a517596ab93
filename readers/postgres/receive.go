package postgres

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	// errInterrupted ends a Read after interrupt.
	errInterrupted = errors.New("interrupted")
	// errWouldWait says, once a wait, that all that has arrived was read: what was made of it should go on
	// its way before Read is called again, which then waits.
	errWouldWait = errors.New("the next read waits")
)

// receiver reads a replication connection. Over plain TCP on Linux it waits for much at once while the
// stream is fast: the walsender sends about one small segment a change, and a wake-up for each costs both
// sides more than the change itself. Over TLS and Unix sockets, where the kernel has no such mark, it reads
// what is there.
type receiver struct {
	conn    net.Conn
	socket  *socket   // below TLS too; nil where there is none
	batch   *lowWater // nil where the socket has no low-water mark
	fresh   bool      // something was read since the last errWouldWait
	stopped atomic.Bool
	// quiet is when the read that is under way began to wait, in ns since started; 0 while none waits. Time
	// spent in the Handler is not silence of the server's (P47).
	quiet   atomic.Int64
	started time.Time
	wire    *progress
}

// newReceiver wraps conn; wire is told of every arrival.
func newReceiver(conn net.Conn, wire *progress) *receiver {
	r := &receiver{conn: conn, started: time.Now(), wire: wire}
	raw := rawConn(conn)
	if raw == nil {
		return r
	}
	r.socket = newSocket(raw)
	if tcp, ok := conn.(*net.TCPConn); ok {
		r.batch = newLowWater(tcp, raw, &r.stopped)
	}
	return r
}

// rawConn is the socket below conn, nil where there is none.
func rawConn(conn net.Conn) syscall.RawConn {
	if tls, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = tls.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// Read reads what has arrived into p. Where nothing has, it says errWouldWait once and then waits. It
// allocates nothing.
func (r *receiver) Read(p []byte) (int, error) {
	if r.stopped.Load() {
		return 0, errInterrupted
	}
	if r.fresh && !r.arrived() {
		r.fresh = false
		return 0, errWouldWait
	}
	now := time.Now()
	r.quiet.Store(int64(now.Sub(r.started)) + 1)
	n, err := r.read(p, now)
	r.quiet.Store(0)
	if n > 0 {
		r.fresh = true
		r.wire.arrived(time.Now())
	}
	if err != nil && r.stopped.Load() {
		err = errInterrupted
	}
	return n, err
}

func (r *receiver) read(p []byte, now time.Time) (int, error) {
	if r.batch == nil {
		return r.conn.Read(p)
	}
	return r.batch.read(p, now)
}

// arrived says whether the socket holds enough that the next read does not wait.
func (r *receiver) arrived() bool {
	if r.socket == nil {
		return false
	}
	enough := 1
	if r.batch != nil {
		enough = r.batch.enough()
	}
	return r.socket.waiting() >= enough
}

// silence is how long the read that is under way has waited; 0 where none does.
func (r *receiver) silence() time.Duration {
	since := r.quiet.Load()
	if since == 0 {
		return 0
	}
	return time.Since(r.started) - time.Duration(since)
}

// interrupt ends the read that is under way and every later one. It may be called by any goroutine.
// The flag goes up before the deadline, and lowWater looks at it after clearing its own, so that neither
// can hide the other.
func (r *receiver) interrupt() {
	r.stopped.Store(true)
	_ = r.conn.SetReadDeadline(time.Unix(1, 0))
}
