package offsets

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rdip/integration/testenv"
	"rdip/internal/fault"
)

// O4: while the disk is full nothing is stored and the error says that trying again helps; once there is
// room the same Store stores again, and at no time is what was stored before lost.
func TestAFullDiskIsSurvived(t *testing.T) {
	dir := t.TempDir()
	flags := []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER}
	if os.Geteuid() != 0 {
		flags = flags[1:]
	}
	var refused error
	for _, flag := range flags {
		c := exec.Command(os.Args[0], dir)
		c.Env = append(os.Environ(), helperVariable+"=disk full")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flag}
		if flag&syscall.CLONE_NEWUSER != 0 {
			c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		out, err := c.CombinedOutput()
		if err == nil {
			return
		}
		if !errors.Is(err, syscall.EPERM) && c.ProcessState != nil && c.ProcessState.ExitCode() != exitNoMount {
			t.Fatalf("%v\n%s", err, out)
		}
		refused = fmt.Errorf("%w\n%s", err, out)
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("a small file system cannot be mounted here: %v", refused)
	}
	t.Skipf("a small file system cannot be mounted here: %v", refused)
}

// exitNoMount is the exit code of a helper that may not mount.
const exitNoMount = 77

// helpDiskFull runs in a mount namespace of its own, where it mounts a file system of 256 KiB.
func helpDiskFull(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		fmt.Fprintln(os.Stderr, "make mounts private:", err)
		os.Exit(exitNoMount)
	}
	disk, err := testenv.MountDisk(dir, 256<<10, os.Geteuid())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitNoMount)
	}
	state := filepath.Join(dir, "state")
	s, err := Open(state)
	if err != nil {
		return err
	}
	if err := s.Put("shop", recordAt(1)); err != nil {
		return err
	}
	for round := range uint64(3) {
		if err := disk.Fill(); err != nil {
			return err
		}
		if s, err := Open(filepath.Join(dir, "second")); err == nil || fault.IsPermanent(err) || !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("a file was made on a full disk, or the failure is for good: %v, %w", s, err)
		}
		if err := putUntilFull(s, 100*round+1); err != nil {
			return err
		}
		if err := disk.Free(); err != nil {
			return err
		}
		next := recordAt(100*round + 101)
		if err := s.Put("shop", next); err != nil {
			return fmt.Errorf("there is room again: %w", err)
		}
	}
	second, err := Open(filepath.Join(dir, "second"))
	if err != nil {
		return fmt.Errorf("there is room for a second file: %w", err)
	}
	return errors.Join(second.Close(), reopened(s, state))
}

// putUntilFull stores schema ids, which need ever more pages, until that fails, and checks the failure.
func putUntilFull(s *Store, place uint64) error {
	var err error
	for i := 0; err == nil && i < 20000; i++ {
		err = s.PutSchemaID(fmt.Sprintf("subject-%d-%d-%0500d", place, i, i), [32]byte{byte(i), byte(i >> 8)}, int32(i))
	}
	if !errors.Is(err, syscall.ENOSPC) || fault.IsPermanent(err) {
		return fmt.Errorf("the disk is full: permanent %v: %w", fault.IsPermanent(err), err)
	}
	r, found, err := s.Get("shop")
	if err != nil || !found || r.Place != place {
		return fmt.Errorf("while the disk is full: %+v, %v, %w", r, found, err)
	}
	return nil
}

// reopened closes the file and checks that it is whole and where it should be.
func reopened(s *Store, state string) error {
	if err := s.Close(); err != nil {
		return err
	}
	c, err := Dump(state, Options{})
	if err != nil {
		return err
	}
	if got := c.Connectors["shop"].Place; got != 301 {
		return fmt.Errorf("place %d", got)
	}
	return nil
}
