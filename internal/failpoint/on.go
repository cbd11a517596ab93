//go:build failpoints

package failpoint

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	point, count, linger = parse(os.Getenv("RDIP_FAILPOINT"))
	hits                 atomic.Int64
)

func parse(spec string) (name string, count int64, linger time.Duration) {
	name, rest, ok := strings.Cut(spec, ":")
	if !ok {
		return name, 1, 0
	}
	n, pause, lingers := strings.Cut(rest, ":")
	count, err := strconv.ParseInt(n, 10, 64)
	if err == nil && lingers {
		linger, err = time.ParseDuration(pause)
	}
	if err != nil {
		panic("RDIP_FAILPOINT: " + err.Error())
	}
	return name, count, linger
}

// Hit kills the process, as a power failure would, when the environment asks for this point and it has
// been hit often enough. Nothing is flushed and no deferred call runs. Where the environment asks for a pause,
// the caller stays here for so long, and all other goroutines go on.
func Hit(name string) {
	if name == point && hits.Add(1) == count {
		time.Sleep(linger)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}

// During kills the process in the middle of what the caller does next: as soon as the file at path has other bytes
// than now. The reading beside it may come late, up to the end of that write, never early.
func During(name, path string) {
	if name != point || hits.Add(1) != count {
		return
	}
	before, err := os.ReadFile(path)
	if err != nil {
		panic("RDIP_FAILPOINT: " + err.Error())
	}
	go func() {
		for {
			if now, err := os.ReadFile(path); err == nil && !bytes.Equal(before, now) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}()
}
