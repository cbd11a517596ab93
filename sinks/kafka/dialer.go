package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// errCut is why a connection ends, or is not made, once the dialer was cut.
var errCut = errors.New("the producer was stopped")

// dialer makes every connection of one sarama client, TLS included, and can end them all at once: sarama
// itself has no way to stop what it is waiting for. It remembers why the last attempt failed. Safe for
// concurrent use.
type dialer struct {
	tls     *tls.Config // nil: plaintext
	timeout time.Duration

	mu      sync.Mutex
	ctx     context.Context
	cancel  context.CancelFunc
	closed  bool
	conns   map[*conn]struct{}
	failing error // of the last attempt, nil after a success
}

func newDialer(t *tls.Config) *dialer {
	d := &dialer{tls: t, timeout: 10 * time.Second, conns: map[*conn]struct{}{}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// conn forgets itself when it is closed.
type conn struct {
	net.Conn
	d *dialer
}

func (c *conn) Close() error {
	c.d.mu.Lock()
	delete(c.d.conns, c)
	c.d.mu.Unlock()
	return c.Conn.Close()
}

// Dial is golang.org/x/net/proxy.Dialer, which sarama takes in place of its own.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	ctx, closed := d.ctx, d.closed
	d.mu.Unlock()
	if closed {
		return nil, errCut
	}
	c, err := d.connect(ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && ctx.Err() != nil {
		_ = c.Close()
		err = errCut
	}
	if err != nil {
		d.failing = err
		return nil, err
	}
	d.failing = nil
	kept := &conn{c, d}
	d.conns[kept] = struct{}{}
	return kept, nil
}

func (d *dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil || d.tls == nil {
		return c, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	config := d.tls.Clone()
	config.ServerName = host
	t := tls.Client(c, config)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return t, nil
}

// lastFailure is why the last attempt failed; nil while it did not.
func (d *dialer) lastFailure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failing
}

// cut ends every connection and every attempt; new ones may be made.
func (d *dialer) cut() {
	d.mu.Lock()
	d.cancel()
	d.ctx, d.cancel = context.WithCancel(context.Background())
	conns := make([]net.Conn, 0, len(d.conns))
	for c := range d.conns {
		conns = append(conns, c.Conn)
	}
	clear(d.conns)
	d.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// close is cut for good.
func (d *dialer) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cut()
	d.mu.Lock()
	d.cancel()
	d.mu.Unlock()
}
