package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"rdip/internal/fault"
)

func TestWhatWasRegisteredIsThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	s := serve(t, path)
	s.run(
		step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/s/versions", schemaBody(v2), 200, `{"id":2}`},
		step{"DELETE /subjects/s/versions/2", "", 200, ""},
		step{"PUT /config/s", `{"compatibility":"FULL"}`, 200, ""},
	)
	s.stop()
	s = serve(t, path)
	s.run(
		step{"GET /subjects/s/versions?deleted=true", "", 200, `[1,2]`},
		step{"GET /subjects/s/versions", "", 200, `[1]`},
		step{"GET /config/s", "", 200, `{"compatibilityLevel":"FULL"}`},
		step{"POST /subjects/t/versions", schemaBody(v3), 200, `{"id":3}`},
		step{"POST /subjects/t/versions", schemaBody(v2), 200, `{"id":2}`},
	)
}

// O3
func TestAHalfMadeFileOfAnEarlierStartIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	if err := os.WriteFile(path+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, path).run(step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":1}`})
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("the temporary file is left: %v", err)
	}
}

func TestTheFileIsForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "registry.db")
	serve(t, path)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// O1, O2, D10
func TestAFileThatCannotBeUsedIsRefusedAndLeftAsItIs(t *testing.T) {
	bolt := func(t *testing.T, path string, change func(*bbolt.Tx) error) {
		r, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.db.Update(change); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"held by another": {func(t *testing.T, path string) { serve(t, path) }, "held by another process"},
		"no bbolt file": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not bbolt ", 2000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "invalid database"},
		"a newer format": {func(t *testing.T, path string) {
			bolt(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(formatKey, []byte("2")) })
		}, `its format is "2", needed is "1"`},
		"another program's": {func(t *testing.T, path string) {
			bolt(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket(levelsBucket) })
		}, "no schema registry"},
		"a link": {func(t *testing.T, path string) {
			bolt(t, path+".real", func(*bbolt.Tx) error { return nil })
			if err := os.Symlink(path+".real", path); err != nil {
				t.Fatal(err)
			}
		}, "regular file"},
		"a folder": {func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "registry.db")
			c.prepare(t, path)
			before, _ := os.ReadFile(path)
			r, err := Open(path)
			if err == nil {
				r.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v", err)
			}
			if !fault.IsPermanent(err) || fault.KindOf(err) != fault.Configuration {
				t.Errorf("kind %v, permanent %v", fault.KindOf(err), fault.IsPermanent(err))
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}
