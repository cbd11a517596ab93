package proxy

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

func TestAnAnswerIsLostThoughTheRequestArrived(t *testing.T) {
	heard := make(chan string, 10)
	p := before(t, func(conn net.Conn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		heard <- line
		_, _ = io.WriteString(conn, "answer\n")
	})
	p.LoseAnswers()
	c := dial(t, p)
	c.send(t, "request")
	if got := <-heard; got != "request\n" {
		t.Errorf("the server heard %q", got)
	}
	if line, err := c.hear(time.Second); err == nil || isTimeout(err) {
		t.Errorf("the client heard %q, %v, and not a reset", line, err)
	}
	p.Pass()
	c = dial(t, p)
	c.send(t, "again")
	if line, err := c.hear(time.Second); err != nil || line != "answer\n" {
		t.Errorf("mended: %q, %v", line, err)
	}
}

func TestOfARequestOnlyTheFirstHalfArrives(t *testing.T) {
	heard := make(chan string, 10)
	p := before(t, func(conn net.Conn) {
		all, _ := io.ReadAll(conn)
		heard <- string(all)
	})
	p.HalveRequests()
	c := dial(t, p)
	if _, err := io.WriteString(c, "12345678"); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "1234" {
		t.Errorf("the server heard %q", got)
	}
	if line, err := c.hear(time.Second); err == nil || isTimeout(err) {
		t.Errorf("the client heard %q, %v, and not a reset", line, err)
	}
}

func TestWhatIsHeldArrivesLateThoughItsClientIsGone(t *testing.T) {
	heard := make(chan string, 10)
	p := before(t, func(conn net.Conn) {
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			heard <- lines.Text()
			_, _ = io.WriteString(conn, "answer\n")
		}
	})
	old := dial(t, p)
	old.send(t, "first")
	<-heard
	if _, err := old.hear(time.Second); err != nil {
		t.Fatal(err)
	}
	release := p.Hold()
	old.send(t, "held")
	old.send(t, "held too")
	_ = old.Close()
	young := dial(t, p)
	young.send(t, "new")
	if got := <-heard; got != "new" {
		t.Errorf("%q arrived while the old connection was held", got)
	}
	release()
	for _, want := range []string{"held", "held too"} {
		select {
		case got := <-heard:
			if got != want {
				t.Errorf("%q arrived, not %q", got, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%q never arrived", want)
		}
	}
}

// before is a proxy before a server that serves each connection so.
func before(t *testing.T, serve func(net.Conn)) *Proxy {
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
				serve(conn)
			}()
		}
	}()
	p, err := New(l.Addr().String())
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
