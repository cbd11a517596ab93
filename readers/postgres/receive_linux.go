package postgres

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// markBytes is the low-water mark (SO_RCVLOWAT) while the stream is fast.
	markBytes = 256 << 10
	// enoughBytes at hand are read without waiting for the mark: the server is ahead of us.
	enoughBytes = 64 << 10
	// holdTime is how long a read waits for the mark, and the window over which speed is judged.
	holdTime = 4 * time.Millisecond
	// fastBytes in a window make it a fast one, slowBytes or less in a hold end the batching. The distance
	// between 1,000 small transactions a second (about 1 KiB a window) and fastBytes keeps those unbatched.
	fastBytes = 16 << 10
	slowBytes = 8 << 10
	// fastWindows in a row raise the mark, one does within a time of its being dropped.
	fastWindows = 3
	recently    = time.Second
)

// lowWater reads a TCP socket under SO_RCVLOWAT, with the runtime's poller: the kernel reports the socket
// readable only from the mark on (tcp_stream_is_readable in net/ipv4/tcp.c), and a read deadline of a few
// milliseconds takes what is there when the stream slows. The mark is raised only while the stream is fast
// and dropped at the first slow hold, so that a small transaction never waits for a timer.
type lowWater struct {
	conn    *net.TCPConn
	raw     syscall.RawConn
	stopped *atomic.Bool
	raised  bool

	windowStart time.Time
	windowBytes int
	fast        int       // fast windows in a row
	lowered     time.Time // when the mark was dropped last

	// The read under the mark that is under way. onReady and onDrain are bound once, so that it allocates
	// nothing.
	p       []byte
	n       int
	waited  bool
	err     error
	onReady func(fd uintptr) bool
	onDrain func(fd uintptr)
}

func newLowWater(conn *net.TCPConn, raw syscall.RawConn, stopped *atomic.Bool) *lowWater {
	l := &lowWater{conn: conn, raw: raw, stopped: stopped}
	l.onReady, l.onDrain = l.ready, l.drain
	return l
}

func (l *lowWater) read(p []byte, now time.Time) (int, error) {
	if l.raised {
		n, err := l.gather(p, now)
		if n > 0 || err != nil {
			return n, err
		}
	}
	n, err := l.conn.Read(p)
	l.judge(n, now)
	return n, err
}

// enough is how many bytes at hand make a read that does not wait.
func (l *lowWater) enough() int {
	if l.raised {
		return enoughBytes
	}
	return 1
}

// judge raises the mark after enough fast windows, or within the first one where it was up a moment ago: a
// pause of the server's, such as losing its CPU, ends the batching but says little about the stream. now is
// when the read began.
func (l *lowWater) judge(n int, now time.Time) {
	elapsed := now.Sub(l.windowStart)
	if elapsed >= holdTime {
		if elapsed >= 2*holdTime || l.windowBytes < fastBytes {
			l.fast = 0
		}
		l.windowStart, l.windowBytes = now, 0
	}
	before := l.windowBytes
	l.windowBytes += n
	if before >= fastBytes || l.windowBytes < fastBytes {
		return
	}
	if l.fast++; l.fast >= fastWindows || now.Sub(l.lowered) < recently {
		l.raised = l.setMark(markBytes)
		l.fast = 0
	}
}

// gather reads under the mark. It returns nothing where the stream has stopped, having dropped the mark.
func (l *lowWater) gather(p []byte, now time.Time) (int, error) {
	if err := l.conn.SetReadDeadline(now.Add(holdTime)); err != nil {
		return 0, err
	}
	l.p, l.n, l.waited, l.err = p, 0, false, nil
	err := l.raw.Read(l.onReady)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = l.raw.Control(l.onDrain)
		if l.n <= slowBytes {
			return l.lower(err)
		}
	}
	l.p = nil
	if err == nil {
		err = l.err
	}
	if l.n > 0 {
		return l.n, nil // an end or a failure shows again at the next read
	}
	return 0, err
}

// lower drops the mark and the deadline; what was read so far goes out.
func (l *lowWater) lower(err error) (int, error) {
	l.raised, l.p = false, nil
	l.lowered = time.Now()
	l.windowStart, l.windowBytes = l.lowered, 0
	l.setMark(1)
	if e := l.conn.SetReadDeadline(time.Time{}); err == nil {
		err = e
	}
	if l.n > 0 {
		return l.n, nil
	}
	if err == nil {
		err = l.err
	}
	if l.stopped.Load() {
		err = errInterrupted
	}
	return 0, err
}

// ready runs when the socket may be readable. Its first call comes before any wait and empties the socket,
// so that the poller's edge for the mark is still to come; where that gave little, it waits.
func (l *lowWater) ready(fd uintptr) bool {
	l.drain(fd)
	if l.err != nil || l.n >= enoughBytes || l.n == len(l.p) || l.waited && l.n > 0 {
		return true
	}
	l.waited = true
	return false
}

// drain takes what the socket holds without waiting.
func (l *lowWater) drain(fd uintptr) {
	for l.n < len(l.p) {
		n, err := unix.Read(int(fd), l.p[l.n:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return
		case err != nil:
			l.err = os.NewSyscallError("read", err)
			return
		case n == 0:
			l.err = io.EOF
			return
		}
		free := len(l.p) - l.n
		l.n += n
		if n < free {
			return
		}
	}
}

// setMark says whether the kernel took the mark.
func (l *lowWater) setMark(bytes int) bool {
	var err error
	if e := l.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, bytes)
	}); e != nil {
		return false
	}
	return err == nil
}

// socket answers how much it holds.
type socket struct {
	raw  syscall.RawConn
	n    int
	look func(fd uintptr) // bound once, so that a call allocates nothing
}

func newSocket(raw syscall.RawConn) *socket {
	s := &socket{raw: raw}
	s.look = func(fd uintptr) { s.n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }
	return s
}

// waiting is how many bytes have arrived and were not read.
func (s *socket) waiting() int {
	s.n = 0
	_ = s.raw.Control(s.look)
	return s.n
}

// setUserTimeout bounds how long sent data may stay without acknowledgement (TCP_USER_TIMEOUT, RFC 5482),
// which is how a peer that has vanished is noticed in the middle of a write.
func setUserTimeout(conn syscall.RawConn, d time.Duration) error {
	var err error
	if e := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	}); e != nil {
		return e
	}
	return err
}
