package postgres

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// socketPair is two ends of a connection.
func socketPair(t *testing.T, network string) (here, there net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = t.TempDir() + "/s"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there, err = net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	here, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = here.Close()
		_ = there.Close()
	})
	return here, there
}

func TestEveryByteArrivesAtAnyPace(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			here, there := socketPair(t, network)
			sum := make(chan [32]byte, 1)
			go func() { // bursts of small writes with pauses between, as a walsender that is sometimes idle
				h, random := sha256.New(), rand.New(rand.NewPCG(1, 2))
				for range 30 {
					for range 3000 {
						b := make([]byte, 20+random.IntN(200))
						b[0] = byte(random.Int())
						h.Write(b)
						if _, err := there.Write(b); err != nil {
							return
						}
					}
					time.Sleep(time.Duration(random.IntN(8)) * time.Millisecond)
				}
				_ = there.Close()
				sum <- [32]byte(h.Sum(nil))
			}()
			r := newReceiver(here, newProgress())
			h := sha256.New()
			buf := make([]byte, 1<<20)
			waits, reads, raised := 0, 0, 0
			for {
				n, err := r.Read(buf)
				h.Write(buf[:n])
				if err == io.EOF {
					break
				}
				switch {
				case err == errWouldWait:
					waits++
				case err != nil:
					t.Fatal(err)
				default:
					reads++
				}
				if r.batch != nil && r.batch.enough() > 1 {
					raised++
				}
			}
			if [32]byte(h.Sum(nil)) != <-sum {
				t.Error("what arrived is not what was sent")
			}
			if waits == 0 || waits > reads {
				t.Errorf("%d waits were announced for %d reads", waits, reads)
			}
			t.Logf("%d reads, %d of them under the mark, %d waits", reads, raised, waits)
		})
	}
}

func TestAnInterruptEndsAReadThatWaits(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		for range 20 {
			here, _ := socketPair(t, network)
			r := newReceiver(here, newProgress())
			hurry(r) // so that the read has deadlines of its own
			ended := make(chan error, 1)
			go func() {
				_, err := r.Read(make([]byte, 100))
				ended <- err
			}()
			time.Sleep(time.Duration(rand.IntN(6000)) * time.Microsecond)
			r.interrupt()
			select {
			case err := <-ended:
				if !errors.Is(err, errInterrupted) {
					t.Fatalf("%s: %v", network, err)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: the read goes on", network)
			}
			if _, err := r.Read(make([]byte, 100)); err != errInterrupted {
				t.Fatalf("%s: a later read gave %v", network, err)
			}
		}
	}
}

func TestSilenceIsTheTimeOfTheReadThatWaits(t *testing.T) { // P47
	here, there := socketPair(t, "tcp")
	r := newReceiver(here, newProgress())
	if r.silence() != 0 {
		t.Error("there is silence before anything is read")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = r.Read(make([]byte, 100))
	}()
	eventually(t, "the read waits", func() bool { return r.silence() > 10*time.Millisecond })
	if _, err := there.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-done
	time.Sleep(20 * time.Millisecond) // as in a Handler
	if got := r.silence(); got != 0 {
		t.Errorf("%s of silence while nothing is read", got)
	}
	if r.wire.lastWire.Load() == 0 {
		t.Error("the arrival was not noted")
	}
}

func TestReceivingAllocatesNothing(t *testing.T) {
	here, there := socketPair(t, "tcp")
	r := newReceiver(here, newProgress())
	b, buf := make([]byte, 100), make([]byte, 1<<20)
	read := func() {
		if _, err := there.Write(b); err != nil {
			t.Fatal(err)
		}
		for {
			if n, err := r.Read(buf); n > 0 || err != nil && err != errWouldWait {
				return
			}
		}
	}
	if n := testing.AllocsPerRun(1000, read); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}
