package component

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xi2/xz"
)

// UnpackPostgresJar installs a major version from a zonky jar that Maven fetched.
func UnpackPostgresJar(major int, jar string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".txz") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		archive, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return unpackPostgres(major, archive)
	}
	return fmt.Errorf("%s holds no .txz archive", jar)
}

// unpackPostgres checks an archive against our own checksum before a byte of it is used, and unpacks
// it into a folder that appears under its name only when it is whole.
func unpackPostgres(major int, archive []byte) error {
	if err := checkPostgresSum(major, archive); err != nil {
		return err
	}
	home := postgresHome(major)
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(filepath.Dir(home), "partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := os.Chmod(partial, 0o755); err != nil { // the user that the server runs as must enter
		return err
	}
	if err := untarXZ(bytes.NewReader(archive), partial); err != nil {
		return err
	}
	if err := os.Rename(partial, home); err != nil && serverMajor(filepath.Join(home, "bin")) != major {
		return err // nobody else has unpacked it meanwhile
	}
	return nil
}

func checkPostgresSum(major int, archive []byte) error {
	key := PostgresPlatform() + " " + postgresReleases[major]
	want, ok := postgresSums[key]
	if !ok {
		return fmt.Errorf("no checksum is known for PostgreSQL %s", key)
	}
	sum := sha256.Sum256(archive)
	if got := hex.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("the archive of PostgreSQL %s has SHA-256 %s, needed %s", key, got, want)
	}
	return nil
}

// untarXZ unpacks files, folders and symbolic links into dir, and nothing outside it.
func untarXZ(r io.Reader, dir string) error {
	x, err := xz.NewReader(r, 0)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(x); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackEntry(root, h, t); err != nil {
			return fmt.Errorf("unpack %s: %w", h.Name, err)
		}
	}
}

func unpackEntry(root *os.Root, h *tar.Header, content io.Reader) error {
	name := filepath.Clean(h.Name)
	if h.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return unpackFile(root, name, h.FileInfo().Mode().Perm()|0o444, content)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	default:
		return fmt.Errorf("an entry of type %q is not expected", h.Typeflag)
	}
}

func unpackFile(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
