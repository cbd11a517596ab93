package process

import (
	"path/filepath"
	"testing"
	"time"
)

func TestALockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() {
		unlock, err := Lock(path) // a file opened twice is locked like by two processes: flock(2)
		if err == nil {
			unlock()
		}
		second <- err
	}()
	select {
	case err := <-second:
		t.Fatalf("the second got the lock as well (%v)", err)
	case <-time.After(100 * time.Millisecond):
	}
	unlock()
	if err := <-second; err != nil {
		t.Error(err)
	}
}
