package pgserver

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"rdip/integration/testenv/process"
	"rdip/internal/fault"
)

// serverOwner is the user that a server runs as: nil, for our own, unless we are root.
func serverOwner() (*process.Owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &process.Owner{Name: name, UID: uint32(uid), GID: uint32(gid)}, nil
	}
	return nil, &fault.Error{
		Kind: fault.Preflight, Op: "start", Object: "PostgreSQL", Permanent: true,
		Cause: fmt.Errorf("it refuses to run as root, and there is neither a user postgres nor nobody"),
		Hint:  "useradd --system postgres",
	}
}

// give hands a file or folder to the owner.
func give(path string, owner *process.Owner) error {
	if owner == nil {
		return nil
	}
	return os.Lchown(path, int(owner.UID), int(owner.GID))
}

// checkReach fails when the owner cannot enter one of the folders above path, as in root's home.
func checkReach(path string, owner *process.Owner) error {
	if owner == nil {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !mayEnter(info, owner) {
			return &fault.Error{
				Kind: fault.Preflight, Op: "run", Object: path, Permanent: true,
				Cause: fmt.Errorf("user %s, which PostgreSQL runs as under root, cannot enter %s", owner.Name, dir),
				Hint:  "RDIP_CACHE=/var/cache/rdip",
			}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func mayEnter(info os.FileInfo, owner *process.Owner) bool {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid == owner.UID {
		return info.Mode().Perm()&0o100 != 0
	}
	return info.Mode().Perm()&0o001 != 0
}
