package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// quiet is how long nothing must arrive for a connection to count as silent.
const quiet = 150 * time.Millisecond

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that sends every line back.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

func proxied(t *testing.T) *Proxy {
	t.Helper()
	p, err := New(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// client is a connection through the proxy that asks a line at a time.
type client struct {
	net.Conn
	lines *bufio.Reader
}

func dial(t *testing.T, p *Proxy) client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return client{conn, bufio.NewReader(conn)}
}

func (c client) send(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (c client) hear(within time.Duration) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(within))
	line, err := c.lines.ReadString('\n')
	return line, err
}

func (c client) expect(t *testing.T, line string) {
	t.Helper()
	if got, err := c.hear(5 * time.Second); err != nil || got != line+"\n" {
		t.Fatalf("heard %q (%v), want %q", got, err, line)
	}
}

func (c client) expectSilence(t *testing.T) {
	t.Helper()
	if got, err := c.hear(quiet); !isTimeout(err) {
		t.Fatalf("heard %q (%v), want silence", got, err)
	}
}

func (c client) expectReset(t *testing.T) {
	t.Helper()
	if got, err := c.hear(5 * time.Second); err == nil || isTimeout(err) {
		t.Fatalf("heard %q (%v), want a broken connection", got, err)
	}
}

// expectNoService dials and wants a broken connection, which the dial itself may already see.
func expectNoService(t *testing.T, p *Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return
	}
	defer conn.Close()
	client{conn, bufio.NewReader(conn)}.expectReset(t)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestBytesPassUntilCutAndNewConnectionsPassOnceMended(t *testing.T) {
	p := proxied(t)
	c := dial(t, p)
	c.send(t, "one")
	c.expect(t, "one")
	p.Cut()
	c.expectReset(t)
	expectNoService(t, p)
	p.Pass()
	again := dial(t, p)
	again.send(t, "two")
	again.expect(t, "two")
	if p.Accepted() != 3 {
		t.Errorf("accepted %d connections, want 3", p.Accepted())
	}
}

func TestAResetSparesNewConnections(t *testing.T) {
	p := proxied(t)
	c := dial(t, p)
	c.send(t, "one")
	c.expect(t, "one")
	p.Reset()
	c.expectReset(t)
	again := dial(t, p)
	again.send(t, "two")
	again.expect(t, "two")
}

func TestAStalledConnectionIsSilentAndLosesNothing(t *testing.T) {
	p := proxied(t)
	c := dial(t, p)
	c.send(t, "one")
	c.expect(t, "one")
	p.Stall()
	c.send(t, "two")
	c.expectSilence(t)
	waiting := dial(t, p)
	waiting.send(t, "three")
	waiting.expectSilence(t)
	p.Pass()
	c.expect(t, "two")
	waiting.expect(t, "three")
}

func TestAStalledConnectionBlocksItsSender(t *testing.T) {
	p := proxied(t)
	c := dial(t, p)
	c.send(t, "one")
	c.expect(t, "one")
	p.Stall()
	_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	megabyte := make([]byte, 1<<20)
	var err error
	for i := 0; i < 64 && err == nil; i++ {
		_, err = c.Write(megabyte)
	}
	if !isTimeout(err) {
		t.Errorf("64 MiB were taken in by a stalled connection (%v)", err)
	}
}

func TestABlackHoleSwallowsOldAndNewConnectionsAndResetsThemWhenMended(t *testing.T) {
	p := proxied(t)
	c, idle := dial(t, p), dial(t, p)
	for _, c := range []client{c, idle} {
		c.send(t, "one")
		c.expect(t, "one")
	}
	p.Blackhole()
	c.send(t, "two")
	c.expectSilence(t)
	fresh := dial(t, p)
	fresh.send(t, "three")
	fresh.expectSilence(t)
	p.Pass()
	c.expectReset(t)
	fresh.expectReset(t)
	idle.send(t, "four") // it lost nothing
	idle.expect(t, "four")
}

func TestABlackHoleTakesInWhateverIsSent(t *testing.T) {
	p := proxied(t)
	c := dial(t, p)
	p.Blackhole()
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write(make([]byte, 32<<20)); err != nil {
		t.Error(err)
	}
}

func TestADelayHoldsBothWays(t *testing.T) {
	const delay = 100 * time.Millisecond
	p := proxied(t)
	c := dial(t, p)
	p.Delay(delay)
	start := time.Now()
	c.send(t, "one")
	c.expect(t, "one")
	if took := time.Since(start); took < 2*delay {
		t.Errorf("the answer took %s, want at least %s", took, 2*delay)
	}
}

func TestAnOrderlyEndDeliversEverything(t *testing.T) {
	p := proxied(t)
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const size = 4 << 20
	go func() {
		_, _ = conn.Write(make([]byte, size))
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	if n, err := io.Copy(io.Discard, conn); n != size || err != nil {
		t.Errorf("%d bytes came back (%v), want %d", n, err, size)
	}
}

func TestAServerThatIsDownBreaksTheConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := l.Addr().String()
	_ = l.Close()
	p, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	expectNoService(t, p)
}
