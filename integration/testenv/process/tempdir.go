package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// tempRoot is not os.TempDir: a Unix socket's path has at most 107 bytes, and a TMPDIR of one user may
// be closed to the user that a server runs as.
const tempRoot = "/tmp"

// staleAfter keeps the sweep away from folders of processes that this one may not be able to see, such
// as those of a container that shares /tmp.
const staleAfter = time.Hour

var sweepOnce sync.Once

// TempDir makes a folder /tmp/rdip-KIND-PID-RANDOM that everyone may enter. The first call of a process
// also removes such folders that are older than an hour and whose process is gone: those of a killed one.
func TempDir(kind string) (string, error) {
	sweepOnce.Do(func() { sweep(tempRoot, time.Now().Add(-staleAfter)) })
	dir, err := os.MkdirTemp(tempRoot, fmt.Sprintf("rdip-%s-%d-", kind, os.Getpid()))
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

func sweep(root string, before time.Time) {
	dirs, err := filepath.Glob(filepath.Join(root, "rdip-*-*-*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || info.ModTime().After(before) || makerLives(dir) {
			continue
		}
		_ = os.RemoveAll(dir) // another user's folder stays, which is right
	}
}

// makerLives reads the pid out of a folder's name; a name that is not TempDir's counts as alive.
func makerLives(dir string) bool {
	parts := strings.Split(filepath.Base(dir), "-")
	if len(parts) != 4 {
		return true
	}
	pid, err := strconv.Atoi(parts[2])
	if err != nil || pid <= 0 {
		return true
	}
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
