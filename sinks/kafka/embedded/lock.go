//go:build unix

package embedded

import (
	"os"
	"syscall"
)

// flock takes the file's lock, which ends with the process or the file, or fails at once.
func flock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
