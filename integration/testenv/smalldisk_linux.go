package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Disk is a folder that is a small file system of its own, so that it can be full. It is used by one goroutine.
type Disk string

// MountDisk makes a folder that exists a file system of so many bytes, of the owner given; 0 is root. It is the caller's
// to unmount, or ends with the mount namespace of the process.
func MountDisk(dir string, bytes int64, owner int) (Disk, error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700,uid=%d,gid=%d", bytes, owner, owner)); err != nil {
		return "", fmt.Errorf("a small file system cannot be mounted at %s: %w", dir, err)
	}
	return Disk(dir), nil
}

// SmallDisk is MountDisk until the test ends. Where mounting is not allowed the test is skipped, and with CI=true it fails.
func SmallDisk(t testing.TB, dir string, bytes int64, owner int) Disk {
	t.Helper()
	d, err := MountDisk(dir, bytes, owner)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	t.Cleanup(d.Unmount)
	return d
}

// Unmount gives the folder back as it was before. It may be called again.
func (d Disk) Unmount() { _ = unix.Unmount(string(d), unix.MNT_DETACH) }

func (d Disk) filler() string { return filepath.Join(string(d), "filler") }

// Fill writes a file until not one more byte fits.
func (d Disk) Fill() error {
	f, err := os.Create(d.filler())
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 4096; size > 0; size /= 2 {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("fill %s: %w", d, err)
		}
		err = nil
	}
	return nil
}

// FillBut is Fill with room for so many bytes left, in whole pages.
func (d Disk) FillBut(room int64) error {
	if err := d.Fill(); err != nil {
		return err
	}
	file, err := os.Stat(d.filler())
	if err != nil {
		return err
	}
	return os.Truncate(d.filler(), max(file.Size()-room, 0))
}

// Free removes what Fill has written.
func (d Disk) Free() error { return os.Remove(d.filler()) }
