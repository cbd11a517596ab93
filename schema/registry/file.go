package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"rdip/internal/fault"
)

// formatVersion is the layout of the file; a file of another one is refused.
const formatVersion = "1"

// lockWait is how long another process may take to let go of the file.
const lockWait = 500 * time.Millisecond

// Buckets of the file: meta holds "format"; schemas maps an id to a record; exact maps
// Schema.Exact to an id; subjects holds a bucket a subject, of version to entry; levels maps a subject,
// or "" for all, to its compatibility level.
var (
	metaBucket     = []byte("meta")
	schemasBucket  = []byte("schemas")
	exactBucket    = []byte("exact")
	subjectsBucket = []byte("subjects")
	levelsBucket   = []byte("levels")
	formatKey      = []byte("format")
)

func openFile(path string) (*bbolt.DB, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path); err != nil {
			return nil, unusable("create", path, err, "make its folder writable for this user")
		}
	case err != nil:
		return nil, unusable("open", path, err, "make the file readable for this user")
	case !info.Mode().IsRegular():
		return nil, unusable("open", path, fmt.Errorf("it is %s, needed is a regular file", info.Mode().Type()), "name the file itself, not a link to it")
	}
	db, err := open(path)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, unusable("open", path, errors.New("it is held by another process"), "stop the other rdip that uses this state folder")
	case err != nil:
		return nil, unusable("open", path, err, "restore the file from a copy; to begin with an empty registry move it away")
	}
	if err := checkFormat(db); err != nil {
		err = errors.Join(err, db.Close())
		return nil, unusable("open", path, err, "use the rdip that wrote it, or a newer one")
	}
	return db, nil
}

func open(path string) (*bbolt.DB, error) {
	// Every commit is fsynced: NoSync stays off.
	return bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
}

// create makes an empty registry whole under another name first, so that a loss of power leaves either
// none or a complete one.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := initialize(temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func initialize(path string) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{metaBucket, schemasBucket, exactBucket, subjectsBucket, levelsBucket} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(formatKey, []byte(formatVersion))
	})
	return errors.Join(err, db.Close())
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func checkFormat(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{metaBucket, schemasBucket, exactBucket, subjectsBucket, levelsBucket} {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("it is no schema registry: bucket %s is missing", name)
			}
		}
		if got := tx.Bucket(metaBucket).Get(formatKey); string(got) != formatVersion {
			return fmt.Errorf("its format is %q, needed is %q", got, formatVersion)
		}
		return nil
	})
}

func unusable(op, path string, cause error, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: op + " schema registry", Object: path, Cause: cause, Hint: hint, Permanent: true}
}
