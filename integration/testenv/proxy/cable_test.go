//go:build linux

package proxy

import (
	"net"
	"os"
	"testing"
	"time"
)

func cable(t *testing.T) *Cable {
	t.Helper()
	c, err := NewCable()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestWhatIsSentOverAnUnpluggedCableVanishesAndGoesOnOncePlugged(t *testing.T) {
	c := cable(t)
	p, err := c.New(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	open := dial(t, p)
	open.send(t, "one")
	open.expect(t, "one")
	if err := c.Unplug(); err != nil {
		t.Fatal(err)
	}
	open.send(t, "two")
	open.expectSilence(t)
	if conn, err := net.DialTimeout("tcp", p.Addr(), quiet); !isTimeout(err) {
		t.Errorf("a new connection over an unplugged cable: %v, %v", conn, err)
	}
	time.Sleep(time.Second)
	open.expectSilence(t) // and no error
	if err := c.Plug(); err != nil {
		t.Fatal(err)
	}
	open.expect(t, "two") // sent again by the kernel
	again := dial(t, p)
	again.send(t, "three")
	again.expect(t, "three")
}

func TestACableLeavesNothingBehind(t *testing.T) {
	c := cable(t)
	path := "/sys/class/net/" + c.device
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", path)
		}
	}
}
