package component

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// repository serves one jar at the address where the library looks for it, with the sum it wants.
func repository(t *testing.T, release string, jar []byte) embeddedpostgres.Config {
	t.Helper()
	name := "embedded-postgres-binaries-" + PostgresPlatform()
	path := "/io/zonky/test/postgres/" + name + "/" + release + "/" + name + "-" + release + ".jar"
	sum := sha256.Sum256(jar)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case path:
			_, _ = w.Write(jar)
		case path + ".sha256":
			_, _ = w.Write([]byte(hex.EncodeToString(sum[:])))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return embeddedpostgres.DefaultConfig().BinaryRepositoryURL(server.URL)
}

// serverArchive looks like a server, and holds nothing that could run.
func serverArchive(t *testing.T) []byte {
	t.Helper()
	return archive(t,
		tar.Header{Name: "bin/postgres", Typeflag: tar.TypeReg, Mode: 0o755},
		tar.Header{Name: "bin/initdb", Typeflag: tar.TypeReg, Mode: 0o755},
		tar.Header{Name: "bin/pg_ctl", Typeflag: tar.TypeReg, Mode: 0o755})
}

func TestAFetchedServerIsUnpackedUnderOurOwnChecksumOnly(t *testing.T) {
	const release = "18.6.0"
	content := serverArchive(t)
	sum := sha256.Sum256(content)
	key := PostgresPlatform() + " " + release
	pinned := postgresSums[key]
	cases := []struct {
		name, sum, fails string
	}{
		{"the archive that we pinned", hex.EncodeToString(sum[:]), ""},
		{"another archive, though the repository vouches for it", pinned, "needed " + pinned},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("RDIP_CACHE", t.TempDir())
			postgresSums[key] = c.sum
			defer func() { postgresSums[key] = pinned }()
			var progress bytes.Buffer
			err := fetchPostgres(t.Context(), 18, repository(t, release, zipped(t, content)), &progress)
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
			if !strings.HasPrefix(progress.String(), "fetching PostgreSQL 18.6.0 (14 MB, once)\n") {
				t.Errorf("the progress is %q", progress.String())
			}
			_, err = os.Stat(filepath.Join(CacheDir(), "postgres", release, "bin", "postgres"))
			if unpacked := err == nil; unpacked != (c.fails == "") {
				t.Errorf("unpacked: %v", unpacked)
			}
			if partial, _ := filepath.Glob(filepath.Join(CacheDir(), "postgres", "partial-*")); len(partial) > 0 {
				t.Errorf("%v is left", partial)
			}
		})
	}
}

func TestAFetchThatFailsSaysWhatToDo(t *testing.T) {
	t.Setenv("RDIP_CACHE", t.TempDir())
	err := fetchPostgres(t.Context(), 18, repository(t, "1.0.0", nil), &bytes.Buffer{})
	if err == nil {
		t.Fatal("it fetched what the repository does not have")
	}
	for _, want := range []string{"fetch PostgreSQL 18.6.0", "no version found", "apt-get install postgresql"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
