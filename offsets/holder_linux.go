package offsets

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// holder is the id of a process that holds flock(2)'s lock on f, 0 if it cannot be told (another container's
// process is not visible). See proc_locks(5).
func holder(f *os.File) int {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return 0
	}
	defer locks.Close()
	for s := bufio.NewScanner(locks); s.Scan(); {
		if pid := lockOwner(s.Text(), stat.Ino); pid > 0 && hasOpen(pid, info) {
			return pid
		}
	}
	return 0
}

// lockOwner reads one line, such as "1: FLOCK ADVISORY WRITE 4242 08:01:1311 0 EOF", and gives the process
// if the lock is held, not waited for ("->"), on that inode. The device in it differs from stat's on some
// file systems.
func lockOwner(line string, inode uint64) int {
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], fmt.Sprintf(":%d", inode)) {
		return 0
	}
	pid, err := strconv.Atoi(fields[4])
	if err != nil {
		return 0
	}
	return pid
}

// hasOpen says whether the process has the file open; true where we may not look.
func hasOpen(pid int, file os.FileInfo) bool {
	descriptors := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(descriptors)
	if err != nil {
		return os.IsPermission(err)
	}
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(descriptors, e.Name())); err == nil && os.SameFile(info, file) {
			return true
		}
	}
	return false
}
