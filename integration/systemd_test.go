package integration

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/integration/harness"
)

// systemd is told when rdip is ready, that it is alive, and that it stops.
func TestSystemdIsToldReadyWatchdogAndStopping(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buffer := make([]byte, 4096); ; {
			n, err := socket.Read(buffer)
			if err != nil {
				return
			}
			mu.Lock()
			told = append(told, strings.Split(strings.TrimSpace(string(buffer[:n])), "\n")...)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = socket.Close()
		<-done
	})
	count := func(line string) int {
		mu.Lock()
		defer mu.Unlock()
		return len(slices.DeleteFunc(slices.Clone(told), func(s string) bool { return s != line }))
	}
	p.Env = []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=600000"}
	d := p.Streaming(t)
	harness.Eventually(t, "READY=1", func() bool { return count("READY=1") == 1 })
	began := time.Now()
	harness.Eventually(t, "several WATCHDOG=1", func() bool { return count("WATCHDOG=1") >= 4 })
	if took := time.Since(began); took > 4*600*time.Millisecond {
		t.Errorf("4 signs of life took %v, the watchdog wants one every 600ms", took)
	}
	if count("STOPPING=1") > 0 {
		t.Error("STOPPING=1 before the stop")
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	harness.Eventually(t, "STOPPING=1", func() bool { return count("STOPPING=1") == 1 })
}
