package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

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
	return testenv.SmallDisk(t, dir, 1<<20, int(info.Sys().(*syscall.Stat_t).Uid)).Unmount
}
