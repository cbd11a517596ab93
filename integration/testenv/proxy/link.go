package proxy

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	chunkBytes = 32 << 10
	// queuedChunks bounds what a delay may hold back, a direction: 2 MiB.
	queuedChunks = 64
	dialWithin   = 5 * time.Second
)

// link is one connection: the client's side and, once dialled, the server's.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	gone   chan struct{} // closed by reset

	once sync.Once
	lost atomic.Bool // bytes were swallowed

	mu     sync.Mutex
	server *net.TCPConn
	held   chan struct{} // nil, or closed once what is held back may go on
}

// chunk is what one read brought, and when it is due on the other side. No bytes mean the end.
type chunk struct {
	data []byte
	due  time.Time
}

func newLink(p *Proxy, client *net.TCPConn) *link {
	return &link{proxy: p, client: client, gone: make(chan struct{})}
}

func (l *link) lossy() bool { return l.lost.Load() }

// hold keeps back what passes from now on until the gate is closed.
func (l *link) hold(gate chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = gate
}

func (l *link) wasHeld() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held != nil
}

// released returns once nothing is held back; false when the link was reset first.
func (l *link) released() bool {
	l.mu.Lock()
	gate := l.held
	l.mu.Unlock()
	if gate == nil {
		return true
	}
	select {
	case <-gate:
		return true
	case <-l.gone:
		return false
	}
}

// run dials the target and forwards both ways until both sides have ended or the link is reset.
func (l *link) run() {
	defer l.reset() // unless it has ended in order
	if !l.passable() {
		return
	}
	server, err := net.DialTimeout("tcp", l.proxy.target, dialWithin)
	if err != nil {
		return
	}
	if !l.attach(server.(*net.TCPConn)) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.forward(l.client, l.server) })
	both.Go(func() { l.forward(l.server, l.client) })
	both.Wait()
	l.end()
}

// attach makes the server's side known to reset; it is too late when that has happened.
func (l *link) attach(server *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gone:
		_ = server.Close()
		return false
	default:
		l.server = server
		return true
	}
}

// reset drops both sides at once, unread bytes included.
func (l *link) reset() { l.close(true) }

// end closes both sides after everything has been written; the kernel still delivers it.
func (l *link) end() { l.close(false) }

func (l *link) close(abruptly bool) {
	l.once.Do(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		close(l.gone)
		for _, conn := range []*net.TCPConn{l.client, l.server} {
			if conn == nil {
				continue
			}
			if abruptly {
				_ = conn.SetLinger(0) // a reset in place of an orderly end
			}
			_ = conn.Close()
		}
	})
}

// forward copies from one side to the other in its two halves: reading, and writing when it is due.
func (l *link) forward(from, to *net.TCPConn) {
	queue := make(chan chunk, queuedChunks)
	var writer sync.WaitGroup
	writer.Go(func() { l.write(to, queue) })
	l.read(from, queue)
	close(queue)
	writer.Wait()
}

func (l *link) read(from *net.TCPConn, queue chan<- chunk) {
	for {
		buf := make([]byte, chunkBytes)
		n, err := from.Read(buf)
		if !l.passable() || !l.released() {
			return
		}
		now := l.proxy.now()
		due := time.Now().Add(now.delay)
		switch {
		case n == 0:
		case now.mode == loseAnswers && from != l.client:
			l.reset()
			return
		case now.mode == halveRequests && from == l.client:
			l.halve(queue, chunk{buf[:(n+1)/2], due})
			return
		}
		if n > 0 && !l.send(queue, chunk{buf[:n], due}) {
			return
		}
		if err != nil {
			l.send(queue, chunk{nil, due})
			return
		}
	}
}

// halve gives the server the half of what came, and the end of the stream; the client gets a reset.
func (l *link) halve(queue chan<- chunk, half chunk) {
	l.send(queue, half)
	l.send(queue, chunk{nil, half.due})
	_ = l.client.SetLinger(0)
	_ = l.client.Close()
}

func (l *link) send(queue chan<- chunk, c chunk) bool {
	select {
	case queue <- c:
		return true
	case <-l.gone:
		return false
	}
}

func (l *link) write(to *net.TCPConn, queue <-chan chunk) {
	for c := range queue {
		if !l.wait(time.Until(c.due)) || !l.passable() {
			return
		}
		if c.data == nil {
			_ = to.CloseWrite()
			continue
		}
		if _, err := to.Write(c.data); err != nil {
			if to == l.client && l.wasHeld() {
				discard(queue) // what the client sent before it died goes on arriving
				return
			}
			l.reset()
			return
		}
	}
}

func discard(queue <-chan chunk) {
	for range queue {
		continue
	}
}

func (l *link) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.gone:
		return false
	}
}

// passable returns true when bytes may go on, and waits while the proxy stalls. Once the proxy has
// swallowed anything it returns false, when the link has been reset.
func (l *link) passable() bool {
	for {
		s := l.proxy.now()
		switch s.mode {
		case pass, loseAnswers, halveRequests:
			return !l.lossy()
		case swallow:
			l.lost.Store(true)
			l.swallow()
			return false
		}
		if !l.awaitChange(s) {
			return false
		}
	}
}

// swallow reads and drops what both sides send, without telling either of the other's end, until the
// proxy is mended, and then resets the link: its streams have holes.
func (l *link) swallow() {
	l.mu.Lock()
	sides := []*net.TCPConn{l.client, l.server}
	l.mu.Unlock()
	var drains sync.WaitGroup
	for _, conn := range sides {
		if conn != nil {
			drains.Go(func() { drain(conn) })
		}
	}
	for s := l.proxy.now(); s.mode != pass && l.awaitChange(s); s = l.proxy.now() {
		continue
	}
	l.reset()
	drains.Wait()
}

// awaitChange returns true when the proxy's state is no longer s, false when the link was reset first.
func (l *link) awaitChange(s state) bool {
	select {
	case <-s.changed:
		return true
	case <-l.gone:
		return false
	}
}

func drain(conn *net.TCPConn) {
	buf := make([]byte, chunkBytes)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}
