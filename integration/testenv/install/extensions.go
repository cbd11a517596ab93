package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"rdip/integration/testenv/component"
)

// installExtensions unpacks Debian's PostgreSQL, PostGIS, pgvector and PgBouncer into a folder of the cache, with all that
// they depend on down to the libc. apt downloads and checks them by Debian's signatures; nothing of the packages
// is run, and nothing of the machine's own changes but for mmdebstrap. 11 s and 650 MB.
func installExtensions(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("only root can install it; fix: sudo " + component.PostgresExtensions().Install)
	}
	mirror, err := debianMirror(ctx)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		if err := apt("mmdebstrap")(ctx); err != nil {
			return err
		}
	}
	home := filepath.Join(component.CacheDir(), "debian", component.ExtensionsFolder)
	if err := errors.Join(os.RemoveAll(home), os.MkdirAll(filepath.Dir(home), 0o755)); err != nil {
		return err
	}
	if err := command(ctx, "mmdebstrap", "--quiet", "--mode=root", "--variant=extract", `--aptopt=Acquire::Check-Valid-Until "false"`,
		"--include="+strings.Join(extensionPackages(), ","), component.ExtensionsSuite, home,
		"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "+mirror+" "+component.ExtensionsSuite+" main"); err != nil {
		return err
	}
	if err := makeRunnable(home); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(home, "complete"), []byte(strings.Join(extensionPackages(), "\n")+"\n"), 0o644)
}

func extensionPackages() []string {
	server := "postgresql-" + strconv.Itoa(component.ExtensionsMajor)
	return []string{"dash", server, server + "-postgis-3", server + "-postgis-3-scripts", server + "-pgvector", "pgbouncer"}
}

// debianMirror is where this machine's apt has Debian's packages from.
func debianMirror(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", errors.New("this is not Debian: PostGIS and pgvector are taken from Debian's packages")
	}
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if mirror, ok := strings.CutPrefix(strings.TrimSpace(line), "Debian "); ok && !strings.HasSuffix(mirror, "-security/") {
			return mirror, nil
		}
	}
	return "", errors.New("apt knows no source of Debian's own; fix: apt-get update")
}

// wrapper runs a program by the folder's own loader and libraries: it is of a newer Debian than this machine.
// Programs find their files by where the wrapper lies.
const wrapper = `#!/bin/sh
PROJ_DATA=%[1]s/usr/share/proj exec %[2]s --argv0 "$0" --library-path %[3]s "$0.real" "$@"
`

// makeRunnable finishes what dpkg's scripts would have done, as far as a server needs it.
func makeRunnable(home string) error {
	loader, err := only(home, "usr/lib*/ld-linux*.so.*")
	if err != nil {
		return err
	}
	libraries, err := only(home, "usr/lib/*-linux-gnu")
	if err != nil {
		return err
	}
	major := strconv.Itoa(component.ExtensionsMajor)
	bin := filepath.Join(home, "usr", "lib", "postgresql", major, "bin")
	for _, path := range []string{filepath.Join(bin, "initdb"), filepath.Join(bin, "postgres"), filepath.Join(home, "usr", "sbin", "pgbouncer")} {
		if err := os.Rename(path, path+".real"); err != nil {
			return err
		}
		if err := os.WriteFile(path, fmt.Appendf(nil, wrapper, home, loader, libraries), 0o755); err != nil {
			return err
		}
	}
	// Debian has the control file as an alternative, so that several PostGIS can be installed at once.
	control := filepath.Join(home, "usr", "share", "postgresql", major, "extension", "postgis.control")
	return errors.Join(os.Symlink("postgis-3.control", control), os.Chmod(home, 0o755))
}

// only is the path below home that a pattern matches.
func only(home, pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(home, pattern))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s has %d of %s", home, len(found), pattern)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}
