//go:build failpoints

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	point, count = parse(os.Getenv("RDIP_FAILPOINT"))
	hits         atomic.Int64
)

func parse(spec string) (string, int64) {
	name, n, ok := strings.Cut(spec, ":")
	if !ok {
		return name, 1
	}
	count, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		panic("RDIP_FAILPOINT: " + err.Error())
	}
	return name, count
}

// Hit kills the process, as a power failure would, when the environment asks for this point and it has
// been hit often enough. Nothing is flushed and no deferred call runs.
func Hit(name string) {
	if name == point && hits.Add(1) == count {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}
