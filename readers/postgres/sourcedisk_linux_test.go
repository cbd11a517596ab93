package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rdip/integration/testenv"
	"rdip/internal/fault"
)

// P66: where the server has no room for what it decodes, the stream ends with the server's words and is tried
// again; once there is room the transaction comes whole.
func TestAFullDiskOfTheServersIsSaidAndPassesOnceThereIsRoom(t *testing.T) {
	server := testenv.SharedPostgres(t, 15)
	s := newLogServer(t, server, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.exec(t, fmt.Sprintf("ALTER DATABASE %s SET logical_decoding_work_mem = '64kB'", quoteIdentifier(s.db)))
	room := mountOverSlot(t, filepath.Join(server.DataDir(), "pg_replslot", s.cfg.SlotName))
	s.exec(t, "INSERT INTO t SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 20000) i")

	expectFault(t, s.expectEnd(t, &recorder{quiet: true}), fault.Runtime, false, "No space left on device", "SQLSTATE 53100")

	room()
	h := &recorder{quiet: true}
	r := s.run(t, 0, h)
	eventually(t, "every row arrives", func() bool { return h.count() == 20000 })
	if err := r.stop(t); err != context.Canceled {
		t.Error(err)
	}
}

// mountOverSlot puts a file system of 1 MiB in place of a slot's folder, where the server spills large
// transactions, and gives what takes it away.
func mountOverSlot(t *testing.T, dir string) (room func()) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=1m,mode=0700,uid=%d,gid=%d", owner.Uid, owner.Gid)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a small file system cannot be mounted: %v", err)
		}
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	room = func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }
	t.Cleanup(room)
	return room
}
