package offsets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"rdip/internal/failpoint"
	"rdip/internal/fault"
)

// FileName is the file's name in the state folder.
const FileName = "offsets.db"

// Options of a Store; the zero value is right for nearly everybody.
type Options struct {
	// AllowNetwork accepts a state folder on a network file system or FUSE (O5).
	AllowNetwork bool
	// LockTimeout is how long to wait for another process to let go of the file; 0 is one second.
	LockTimeout time.Duration
}

func (o Options) lockTimeout() time.Duration {
	if o.LockTimeout == 0 {
		return time.Second
	}
	return o.LockTimeout
}

// A Store is the offsets file of one state folder, locked against every other process while it is open.
// Its methods may be called by several goroutines. What a writing method stored is on the disk when it
// returns without an error. An error that is not permanent (a full disk, O4) stored nothing, and the same
// call may be made again; until it succeeds, nothing may be confirmed to the source.
type Store struct {
	db   *bbolt.DB
	path string

	mu     sync.Mutex
	broken error // a failed sync: what the disk holds is not known until the file is opened again
}

// Open opens the file in the state folder dir, or makes folder and file. It fails, permanently, if another
// process has the file open, if it is damaged, or written by a newer rdip; a file is never replaced.
func Open(dir string) (*Store, error) { return OpenWith(dir, Options{}) }

// OpenWith is Open with options.
func OpenWith(dir string, o Options) (*Store, error) {
	d, err := openDirectory(dir, o.AllowNetwork)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	path := filepath.Join(d.path, FileName)
	if err := create(d, path, o.lockTimeout()); err != nil {
		return nil, err
	}
	db, err := openFile(path, syscall.LOCK_EX, o.lockTimeout())
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, path: path}
	if err := s.bringUpToDate(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Path is the file's path.
func (s *Store) Path() string { return s.path }

// Close lets go of the file. A second Close does nothing.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return &fault.Error{Op: "close offsets", Object: s.path, Cause: err}
	}
	return nil
}

func (s *Store) bringUpToDate() error {
	var format int
	err := s.view(func(tx *bbolt.Tx) (err error) {
		format, err = fileFormat(tx)
		return err
	})
	if err != nil {
		return damaged(s.path, err)
	}
	if err := checkFormat(format); err != nil {
		return formatFault(s.path, err)
	}
	if format < Format {
		err := s.commit("upgrade offsets", s.path, func(tx *bbolt.Tx) error { return upgrade(tx, format, steps) })
		if err != nil {
			return err
		}
	}
	if _, err = s.List(); err != nil { // every record can be read, or nothing starts
		return err
	}
	return s.view(func(tx *bbolt.Tx) error {
		_, err := readTables(tx, s.path)
		return err
	})
}

// commit is the one place where the file changes: fn's changes are all on the disk when it returns nil,
// and none of them otherwise.
func (s *Store) commit(op, object string, fn func(*bbolt.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	failpoint.During(failpoint.Storing, s.path)
	err := guarded(func() error { return s.db.Update(fn) })
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case isFull(err):
		return &fault.Error{Op: op, Object: object, Cause: err, Hint: "make room on the disk of " + s.path + "; nothing is confirmed to the source until then"}
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.EROFS), errors.Is(err, errPanicked):
		// After a failed sync the kernel may hold pages that the disk does not, and may say nothing
		// the next time.
		s.broken = &fault.Error{Op: op, Object: object, Cause: err, Hint: "check the disk of " + s.path + " and start again", Permanent: true}
		return s.broken
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return &fault.Error{Op: op, Object: object, Cause: errors.New("the offsets file is closed"), Permanent: true}
	default:
		return &fault.Error{Op: op, Object: object, Cause: err}
	}
}

// view reads the file as it stood at one commit.
func (s *Store) view(fn func(*bbolt.Tx) error) error {
	return guarded(func() error { return s.db.View(fn) })
}

var errPanicked = errors.New("the file could not be read")

// guarded turns a panic of bbolt's over a damaged page, a memory fault included, into an error.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%w: %v", errPanicked, reason)
		}
	}()
	return fn()
}

// openFile opens an existing file, having taken the lock (how) and verified every page.
func openFile(path string, how int, timeout time.Duration) (*bbolt.DB, error) {
	flag := os.O_RDWR
	if how == syscall.LOCK_SH {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, stateFault(path, errors.New("it is a symbolic link, and must be a file"), "put the file itself there", true)
	case err != nil:
		return nil, stateFault(path, err, "", true)
	}
	if err := admit(f, path, how, timeout); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	var db *bbolt.DB
	err = guarded(func() (err error) {
		db, err = bbolt.Open(path, fileMode, &bbolt.Options{
			ReadOnly: how == syscall.LOCK_SH,
			Timeout:  timeout,
			OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		return err
	})
	if err != nil {
		_ = f.Close() // bbolt has closed it, unless it panicked
		return nil, damaged(path, err)
	}
	return db, nil
}

// admit locks f and refuses a file that is not ours alone or that is damaged.
func admit(f *os.File, path string, how int, timeout time.Duration) error {
	info, err := f.Stat()
	if err != nil {
		return stateFault(path, err, "", false)
	}
	if err := checkFile(info, path); err != nil {
		return err
	}
	switch err := lock(f, how, timeout); {
	case errors.Is(err, errLocked):
		return held(path, holder(f))
	case err != nil:
		return stateFault(path, err, "", true)
	}
	// Its size may have grown since, up to the lock.
	if info, err = f.Stat(); err != nil {
		return stateFault(path, err, "", false)
	}
	if err := verifyFile(f, info.Size()); err != nil {
		return damaged(path, err)
	}
	return nil
}

func checkFile(info fs.FileInfo, path string) error {
	if !info.Mode().IsRegular() {
		return stateFault(path, fmt.Errorf("it is %s, and must be a file", info.Mode().Type()), "", true)
	}
	if err := checkOwner(info); err != nil {
		return stateFault(path, err, "run rdip as the file's owner, or chown it", true)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return stateFault(path, fmt.Errorf("its mode is %04o, and others must have no access (0600)", mode), "chmod 600 "+path, true)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink > 1 {
		return stateFault(path, fmt.Errorf("it has %d names (hard links), and must have one", stat.Nlink), "copy it, and put the copy in its place", true)
	}
	return nil
}

func held(path string, pid int) error {
	cause, hint := "held by another instance", "stop the other instance, or set another state.dir"
	if pid > 0 {
		cause = fmt.Sprintf("held by another instance (process %d)", pid)
		hint = fmt.Sprintf("stop process %d, or set another state.dir", pid)
	}
	return &fault.Error{Op: "open offsets", Object: path, Cause: errors.New(cause), Hint: hint, Permanent: true}
}

// mendFile is what to do about a file that cannot be read: no command of rdip's opens it.
const mendFile = "put a copy of it from a backup there; or move the file away: what delivers exactly once goes on from Kafka at its next start, and each other connector is given its position again: rdip offsets set CONNECTOR --lsn LSN --config FILE"

func damaged(path string, cause error) error {
	return &fault.Error{Op: "open offsets", Object: path, Cause: fmt.Errorf("damaged: %w", cause), Permanent: true,
		Hint: mendFile}
}

func formatFault(path string, cause error) error {
	hint := "put a copy from a backup there"
	if errors.Is(cause, errNewer) {
		hint = "run the rdip that wrote it, or a newer one"
	}
	return &fault.Error{Op: "open offsets", Object: path, Cause: cause, Hint: hint, Permanent: true}
}
