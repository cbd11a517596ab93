// Package proxy is a TCP proxy that breaks connections on purpose: it delays, stalls, swallows or cuts
// what passes between a client and a server, loses answers, halves requests, delivers them late, and can be
// mended again.
package proxy

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// mode is what happens to bytes and new connections.
type mode uint8

const (
	pass mode = iota
	stall
	swallow
	cut
	loseAnswers
	halveRequests
)

// state is the mode and the delay of passing bytes; changed is closed when the next state replaces it.
type state struct {
	mode    mode
	delay   time.Duration
	changed chan struct{}
}

// Proxy forwards connections to one target. Its methods may be called from any goroutine; a change of
// mode holds for connections that are open and for new ones.
type Proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu       sync.Mutex
	state    state
	links    map[*link]struct{}
	accepted int
	closed   bool
}

// New listens on a free port of 127.0.0.1 and forwards to target (host:port), which need not be up yet.
func New(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return serve(l, target), nil
}

// serve forwards what a listener accepts.
func serve(l net.Listener, target string) *Proxy {
	p := &Proxy{
		listener: l, target: target,
		state: state{changed: make(chan struct{})}, links: map[*link]struct{}{},
	}
	p.running.Add(1)
	go p.accept()
	return p
}

// Addr is host:port of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Port is the proxy's port on 127.0.0.1.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Pass mends the connection. What Stall held back arrives now; connections that lost bytes to
// Blackhole are reset, since their streams have holes.
func (p *Proxy) Pass() { p.set(pass, 0) }

// Delay passes everything on d later than it came.
func (p *Proxy) Delay(d time.Duration) { p.set(pass, d) }

// Stall is a network partition: connections stay open, nothing arrives and nothing is taken in, so that
// senders block once the kernel's buffers are full. New connections are accepted and hang.
func (p *Proxy) Stall() { p.set(stall, 0) }

// Blackhole swallows bytes: connections stay open, senders write as if all were well, nothing arrives.
// New connections are accepted and never answered.
func (p *Proxy) Blackhole() { p.set(swallow, 0) }

// Cut resets every connection and every new one until the mode changes.
func (p *Proxy) Cut() { p.set(cut, 0) }

// LoseAnswers lets everything that clients send arrive, and drops what servers answer: the connection that an
// answer would have come on is reset instead, as by a server that dies after it did what it was asked.
func (p *Proxy) LoseAnswers() { p.set(loseAnswers, 0) }

// HalveRequests ends each connection in the middle of what its client sends next: the server gets the first half of
// it and then the end of the stream, and the client a reset.
func (p *Proxy) HalveRequests() { p.set(halveRequests, 0) }

// Hold keeps back what is under way on the connections that are open, whatever becomes of their clients, until
// release is called: then it arrives. New connections are as the mode has them.
func (p *Proxy) Hold() (release func()) {
	gate := make(chan struct{})
	for _, l := range p.open() {
		l.hold(gate)
	}
	return sync.OnceFunc(func() { close(gate) })
}

// Reset resets the connections that are open and changes nothing for new ones.
func (p *Proxy) Reset() {
	for _, l := range p.open() {
		l.reset()
	}
}

// Connections is the number of open connections.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Accepted is the number of connections since the start.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Close resets every connection, stops listening and waits for the proxy's goroutines.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.Cut()
	p.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (p *Proxy) set(m mode, delay time.Duration) {
	p.mu.Lock()
	close(p.state.changed)
	p.state = state{m, delay, make(chan struct{})}
	p.mu.Unlock()
	if m == cut {
		p.Reset()
	}
}

func (p *Proxy) now() state {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (p *Proxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.links))
}

func (p *Proxy) accept() {
	defer p.running.Done()
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		l := newLink(p, conn.(*net.TCPConn))
		if !p.add(l) {
			l.reset()
			continue
		}
		go func() {
			defer p.running.Done()
			l.run()
			p.remove(l)
		}()
	}
}

// add counts a connection, unless it is to be cut at once.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted++
	if p.closed || p.state.mode == cut {
		return false
	}
	p.links[l] = struct{}{}
	p.running.Add(1)
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}
