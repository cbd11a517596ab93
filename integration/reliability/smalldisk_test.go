package reliability

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of that many KiB over a folder, which it gives to whom it belonged. Root alone may: with
// CI=true the test fails where it cannot be.
func smallDisk(t *testing.T, dir string, kib int) (gone func()) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0700,uid=%d,gid=%d", kib, owner.Uid, owner.Gid)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a small file system cannot be mounted: %v", err)
		}
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	gone = func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }
	t.Cleanup(gone)
	return gone
}

// smallOverSlot puts 1 MiB in place of the slot's folder, where the server spills what it decodes. The slot's own state
// lies below meanwhile, and is written again at the next checkpoint.
func smallOverSlot(t *testing.T, u *underLoad) (room func()) {
	t.Helper()
	dir := filepath.Join(u.PG.DataDir(), "pg_replslot", u.Prefix)
	return smallDisk(t, dir, 1024)
}

// fill takes all the room that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(page)
	}
}
