package offsets

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// O5: a file system where a lock or a sync may be lost is refused by name.
func TestNetworkFilesystemsAreKnownByTheirMagic(t *testing.T) {
	for _, c := range []struct {
		magic uint32
		name  string
	}{
		{unix.NFS_SUPER_MAGIC, "NFS"}, {unix.CIFS_SUPER_MAGIC, "SMB"}, {unix.SMB2_SUPER_MAGIC, "SMB"}, {unix.FUSE_SUPER_MAGIC, "FUSE"},
		{unix.V9FS_MAGIC, "9P"}, {unix.CEPH_SUPER_MAGIC, "Ceph"}, {unix.AFS_SUPER_MAGIC, "AFS"},
		{unix.EXT4_SUPER_MAGIC, ""}, {unix.XFS_SUPER_MAGIC, ""}, {unix.BTRFS_SUPER_MAGIC, ""}, {unix.TMPFS_MAGIC, ""}, {unix.OVERLAYFS_SUPER_MAGIC, ""},
	} {
		if got := networkMagic(c.magic); got != c.name {
			t.Errorf("%#x is %q, want %q", c.magic, got, c.name)
		}
	}
}

// /proc answers statfs as any file system does; it stands for an unknown local one.
func TestALocalFileIsNotTakenForARemoteOne(t *testing.T) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if name := networkFilesystem(f); name != "" {
		t.Errorf("taken for %s", name)
	}
}

func TestALineOfTheLockTableIsReadForItsHolder(t *testing.T) {
	for line, want := range map[string]int{
		"1: FLOCK  ADVISORY  WRITE 4242 08:01:1311 0 EOF":  4242,
		"1: FLOCK  ADVISORY  WRITE 4242 00:2f:1311 0 EOF":  4242,
		"2: FLOCK  ADVISORY  WRITE 4242 08:01:21311 0 EOF": 0,
		"2: POSIX  ADVISORY  WRITE 4242 08:01:1311 0 EOF":  0,
		"1: -> FLOCK  ADVISORY  WRITE 77 08:01:1311 0 EOF": 0,
		"1: FLOCK  ADVISORY  WRITE -1 08:01:1311 0 EOF":    -1,
		"1: FLOCK": 0,
		"":         0,
	} {
		if got := lockOwner(line, 1311); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}
