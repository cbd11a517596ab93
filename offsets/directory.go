package offsets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rdip/internal/fault"
)

const (
	directoryMode = 0o700
	fileMode      = 0o600
)

// directory is the state folder, held open: what was checked is what is used.
type directory struct {
	*os.File
	path string
}

// openDirectory opens the state folder, made first where it is missing, and refuses one that others could
// change or that cannot keep what is synced.
func openDirectory(path string, allowNetwork bool) (*directory, error) {
	path = filepath.Clean(path)
	if err := makeDirectory(path); err != nil {
		return nil, stateFault(path, err, "make it and give it to the user that runs rdip: install -d -m 0700 "+path, !isFull(err))
	}
	path, err := followed(path)
	if err != nil {
		return nil, stateFault(path, err, "set state.dir to the folder itself", true)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, stateFault(path, err, "set state.dir to a folder of the user that runs rdip", true)
	}
	d := &directory{File: f, path: path}
	if err := d.check(allowNetwork); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return d, nil
}

// followed is the folder behind a link that only this user or root can have made: systemd's DynamicUser has
// /var/lib/rdip as a link of root's to /var/lib/private/rdip (systemd.exec(5)). Any other link is refused.
func followed(path string) (string, error) {
	link, err := os.Lstat(path)
	if err != nil {
		return path, err
	}
	if link.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	parent, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return path, err
	}
	if !isTrusted(link) || !isTrusted(parent) || parent.Mode().Perm()&0o022 != 0 {
		return path, errors.New("it is a symbolic link that another user could have made, and must be a folder")
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path, fmt.Errorf("it is a symbolic link: %w", err)
	}
	return real, nil
}

// isTrusted says whether a file is this user's or root's.
func isTrusted(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
}

func (d *directory) check(allowNetwork bool) error {
	info, err := d.Stat()
	if err != nil {
		return stateFault(d.path, err, "", false)
	}
	if err := checkOwner(info); err != nil {
		return stateFault(d.path, err, "run rdip as the folder's owner, or chown it", true)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return stateFault(d.path, fmt.Errorf("its mode is %04o, and others must have no access (0700)", mode), "chmod 700 "+d.path, true)
	}
	if allowNetwork {
		return nil
	}
	if name := networkFilesystem(d.File); name != "" {
		return stateFault(d.path, fmt.Errorf("it is on %s, where a lock or a sync may be lost without an error", name),
			"set state.dir to a folder on a local disk", true)
	}
	return nil
}

// makeDirectory makes a folder and those above it, and syncs each entry, so that no power loss later takes
// a folder away with a position in it.
func makeDirectory(path string) error {
	if _, err := os.Lstat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := makeDirectory(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, directoryMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// isFull says whether err is that of a full disk or quota: there may be room later.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// checkOwner wants the user of this process, or root at work on somebody's file.
func checkOwner(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("its owner cannot be told")
	}
	if me := os.Geteuid(); me != 0 && int(stat.Uid) != me {
		return fmt.Errorf("it belongs to user %d, and this is user %d", stat.Uid, me)
	}
	return nil
}

// checkMine wants the folder's owner: what root makes in another's folder stays closed to its owner.
func (d *directory) checkMine() error {
	info, err := d.Stat()
	if err != nil {
		return stateFault(d.path, err, "", false)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if me := os.Geteuid(); ok && int(stat.Uid) != me {
		return stateFault(d.path, fmt.Errorf("it belongs to user %d, who could not read a file that user %d makes in it", stat.Uid, me),
			fmt.Sprintf("sudo -u '#%d' rdip ...", stat.Uid), true)
	}
	return nil
}

// lockRetry is how often a lock that another process holds is tried again.
const lockRetry = 20 * time.Millisecond

var errLocked = errors.New("locked by another process")

// lock takes flock(2)'s lock on f (how: LOCK_EX or LOCK_SH), waiting up to timeout. Closing f ends it.
func lock(f *os.File, how int, timeout time.Duration) error {
	for deadline := time.Now().Add(timeout); ; time.Sleep(lockRetry) {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("flock", err)
		}
		if time.Now().After(deadline) {
			return errLocked
		}
	}
}

func stateFault(path string, cause error, hint string, permanent bool) error {
	if hint == "" && errors.Is(cause, syscall.EROFS) {
		hint = "mount its file system writable (mount -o remount,rw), or set state.dir to a folder that is"
	}
	return &fault.Error{Kind: fault.Configuration, Op: "open state folder", Object: path, Cause: cause, Hint: hint, Permanent: permanent}
}
