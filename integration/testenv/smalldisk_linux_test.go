package testenv_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"rdip/integration/testenv"
)

func TestASmallDiskIsFullUntilItIsFreed(t *testing.T) {
	dir := t.TempDir()
	d := testenv.SmallDisk(t, dir, 64<<10, os.Getuid())
	for _, name := range []string{"a", "b"} {
		file := filepath.Join(dir, name)
		if err := d.Fill(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte{1}, 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("on a full disk: %v", err)
		}
		if err := d.Free(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte{1}, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.Unmount()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the folder below has %v, %v", left, err)
	}
}
