package component

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// archive is an .xz of a tar file with the entries.
func archive(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		content := "content of " + h.Name
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	compress := exec.Command("xz", "-c")
	compress.Stdin = &b
	out, err := compress.Output()
	if err != nil {
		t.Fatalf("xz: %v", err)
	}
	return out
}

// zipped is a jar around an archive, as zonky's are.
func zipped(t *testing.T, archive []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("postgres-linux-x86_64.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(archive); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnArchiveIsUnpackedWithModesAndLinks(t *testing.T) {
	data := archive(t,
		tar.Header{Name: "./bin/postgres", Typeflag: tar.TypeReg, Mode: 0o755},
		tar.Header{Name: "lib/", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "lib/libpq.so.5", Typeflag: tar.TypeReg, Mode: 0o600},
		tar.Header{Name: "lib/libpq.so", Typeflag: tar.TypeSymlink, Linkname: "libpq.so.5"})
	dir := t.TempDir()
	if err := untarXZ(bytes.NewReader(data), dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin/postgres")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("bin/postgres: %v, %v", info, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "lib/libpq.so")); string(got) != "content of lib/libpq.so.5" {
		t.Errorf("lib/libpq.so holds %q (%v)", got, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "lib")); err != nil || info.Mode().Perm()&0o005 != 0o005 {
		t.Errorf("lib cannot be entered by the user that the server runs as: %v, %v", info, err)
	}
}

func TestAnArchiveCannotWriteOutsideItsFolder(t *testing.T) {
	cases := []struct {
		name    string
		entries []tar.Header
	}{
		{"a name that climbs", []tar.Header{{Name: "../evil", Typeflag: tar.TypeReg, Mode: 0o644}}},
		{"an absolute name", []tar.Header{{Name: "/tmp/../evil", Typeflag: tar.TypeReg, Mode: 0o644}}},
		{"a link that leads out", []tar.Header{
			{Name: "out", Typeflag: tar.TypeSymlink, Linkname: ".."},
			{Name: "out/evil", Typeflag: tar.TypeReg, Mode: 0o644}}},
		{"a device", []tar.Header{{Name: "evil", Typeflag: tar.TypeChar}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "in")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := untarXZ(bytes.NewReader(archive(t, c.entries...)), dir); err == nil {
				t.Error("it was unpacked")
			}
			if _, err := os.Lstat(filepath.Join(parent, "evil")); !os.IsNotExist(err) {
				t.Errorf("a file was written outside: %v", err)
			}
		})
	}
}

func TestAnArchiveWithAnotherChecksumIsNotUnpacked(t *testing.T) {
	t.Setenv("RDIP_CACHE", t.TempDir())
	jar := filepath.Join(t.TempDir(), "postgres.jar")
	content := archive(t, tar.Header{Name: "bin/postgres", Typeflag: tar.TypeReg, Mode: 0o755})
	if err := os.WriteFile(jar, zipped(t, content), 0o600); err != nil {
		t.Fatal(err)
	}
	err := UnpackPostgresJar(18, jar)
	if err == nil || !strings.Contains(err.Error(), "needed "+postgresSums[PostgresPlatform()+" 18.6.0"]) {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(CacheDir(), "postgres", "*")); len(left) > 0 {
		t.Errorf("%v was written", left)
	}
}

func TestEveryReleaseHasAChecksumOnLinux(t *testing.T) {
	for _, major := range PostgresMajors {
		release, ok := PostgresRelease(major)
		if !ok || postgresSums["linux-amd64 "+release] == "" {
			t.Errorf("PostgreSQL %d, release %q, has no checksum", major, release)
		}
	}
}
