package pgserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
)

// newCluster makes a data folder: a copy of the template, or the work of initdb alone.
func (s *Server) newCluster(ctx context.Context) error {
	if s.options.Fresh {
		return s.initdb(ctx, s.dataDir)
	}
	template, err := s.template(ctx)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return s.initdb(ctx, s.dataDir) // somebody else's cache: use what is in it, add nothing
	}
	if err != nil {
		return err
	}
	return copyTree(template, s.dataDir, s.owner)
}

// template is an initialised cluster of this server's release in the cache, made by the first that
// needs it while the others wait at a lock.
func (s *Server) template(ctx context.Context) (string, error) {
	home := filepath.Join(component.CacheDir(), "template")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(s.bin + " " + component.ServerRelease(s.bin)))
	name := filepath.Join(home, fmt.Sprintf("pg%d-%s", s.major, hex.EncodeToString(sum[:4])))
	unlock, err := process.Lock(name + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	partial := filepath.Join(s.dir, "template")
	if err := s.initdb(ctx, partial); err != nil {
		return "", err
	}
	defer os.RemoveAll(partial)
	copied := name + ".partial"
	if err := os.RemoveAll(copied); err != nil {
		return "", err
	}
	if err := copyTree(partial, copied, nil); err != nil {
		return "", err
	}
	return name, os.Rename(copied, name)
}

func (s *Server) initdb(ctx context.Context, dir string) error {
	log := filepath.Join(s.dir, "initdb.log")
	err := process.Run(ctx, process.Command{
		Path: filepath.Join(s.bin, "initdb"),
		Args: []string{"-D", dir, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"},
		Env:  serverEnv(), Dir: s.dir, Log: log, Owner: s.owner,
	})
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, process.Tail(log, 20))
	}
	return nil
}

// copyTree copies files and folders with their modes and gives the copy to owner.
func copyTree(from, to string, owner *process.Owner) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		target := to + path[len(from):]
		if d.IsDir() {
			err = os.Mkdir(target, info.Mode().Perm())
		} else {
			err = copyFile(path, target, info.Mode().Perm())
		}
		if err != nil {
			return err
		}
		return give(target, owner)
	})
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
