package offsets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"rdip/internal/failpoint"
	"rdip/internal/fault"
)

// unfinished is the suffix of a file that is being made.
const unfinished = ".new"

// create makes the file where there is none: under another name, synced, then renamed, so that power lost
// in between leaves nothing half made (O3). The folder's lock keeps a second process from doing the same.
func create(d *directory, path string, timeout time.Duration) error {
	if exists(path) {
		return nil
	}
	switch err := lock(d.File, syscall.LOCK_EX, timeout); {
	case errors.Is(err, errLocked):
		return held(d.path, holder(d.File))
	case err != nil:
		return stateFault(d.path, err, "", true)
	}
	if exists(path) {
		return nil
	}
	if err := d.checkMine(); err != nil {
		return err
	}
	if err := build(path + unfinished); err != nil {
		return createFault(path, err)
	}
	failpoint.Hit(failpoint.Initialising)
	if err := os.Rename(path+unfinished, path); err != nil {
		return createFault(path, err)
	}
	if err := d.Sync(); err != nil {
		return createFault(path, err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// build writes a whole, empty file of the current format, in place of one that an earlier attempt left.
func build(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, flag|os.O_EXCL|syscall.O_NOFOLLOW, mode)
		},
	})
	if err != nil {
		return err
	}
	if err := db.Update(initialise); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := db.Sync(); err != nil {
		return errors.Join(err, db.Close())
	}
	return db.Close()
}

func createFault(path string, cause error) error {
	return &fault.Error{Op: "create offsets", Object: path, Cause: fmt.Errorf("%w (nothing was stored yet)", cause),
		Hint: "make sure that its folder can be written and has room"}
}
