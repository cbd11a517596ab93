package offsets

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// What a person wanted of a connector outlives the process, and a connector that nobody spoke of runs.
func TestWhatIsWantedOfAConnectorOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	for _, step := range []struct{ before, set Desired }{
		{DesiredRunning, DesiredPaused}, {DesiredPaused, DesiredStopped}, {DesiredStopped, DesiredRunning}, {DesiredRunning, DesiredRunning},
	} {
		store, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := store.Desired("shop"); err != nil || got != step.before {
			t.Errorf("it is to be %q, %v; want %q", got, err, step.before)
		}
		if got, err := store.Desired("other"); err != nil || got != DesiredRunning {
			t.Errorf("another is to be %q, %v", got, err)
		}
		if err := errors.Join(store.SetDesired("shop", step.set), store.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// O2, D10: an entry that was damaged, or that a newer rdip wrote, is refused and never taken for "running".
func TestAnEntryThatCannotBeReadIsRefused(t *testing.T) {
	store, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for value, says := range map[string]string{
		"paused": "no checksum",
		string(appendSum([]byte("other"), []byte("paused"))):  "checksum",
		string(appendSum([]byte("shop"), []byte("draining"))): "newer rdip",
	} {
		err := store.db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists(desiredBucket)
			if err != nil {
				return err
			}
			return bucket.Put([]byte("shop"), []byte(value))
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := store.Desired("shop"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gives %q, %v; want an error with %q", value, got, err, says)
		}
	}
	if err := store.SetDesired("", DesiredPaused); err == nil {
		t.Error("a connector without a name was taken")
	}
}
