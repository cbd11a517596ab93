package offsets

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rdip/internal/fault"
)

func stateDir(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state")
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// wantFault checks that err is permanent or not as said, and that its text holds every part.
func wantFault(t *testing.T, err error, permanent bool, parts ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("not a fault: %v", err)
	}
	if fault.IsPermanent(err) != permanent {
		t.Errorf("permanent is %v: %v", !permanent, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func fullRecord() Record {
	return Record{
		Identity: `{"system":"7301","timeline":1,"slot":"rdip_shop"}`, Cluster: "4L6g3nShT-eMCtK--X86sw",
		Topics:   map[string]string{"shop.public.orders": "Cs9c3AJ0TmC1Yw0qPyN-bA"},
		Position: `{"lsn":"16/B374D848"}`, Place: 0x16B374D848, SnapshotDone: true,
		SnapshotStarted: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), SnapshotFinished: time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC),
		Stopped: map[string]StoppedTable{"public.bad": {Position: `{"lsn":"16/B3740000"}`, Place: 0x16B3740000, Reason: "R2: 409 <incompatible>"}},
	}
}

func TestWhatIsPutIsThereAfterTheFileIsOpenedAgain(t *testing.T) {
	dir := stateDir(t)
	s := open(t, dir)
	if _, found, err := s.Get("shop"); found || err != nil {
		t.Fatalf("found in a new file: %v, %v", found, err)
	}
	want, before := fullRecord(), time.Now()
	if err := s.Put("shop", want); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, found, err := open(t, dir).Get("shop")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if got.Format != Format || got.Updated.Before(before.Add(-time.Second)) {
		t.Errorf("format %d, updated %v", got.Format, got.Updated)
	}
	want.Format, want.Updated = got.Format, got.Updated
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFolderAndFileAreClosedToOthers(t *testing.T) {
	dir := stateDir(t)
	s := open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, s.Path(): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v: %v", path, info.Mode().Perm(), want, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinished)); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// O3: what an initialisation left that lost its power is thrown away, whole or not.
func TestAFileThatWasLeftHalfMadeIsMadeAnew(t *testing.T) {
	for name, left := range map[string]func(t *testing.T, path string){
		"empty":         func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) },
		"half a header": func(t *testing.T, path string) { must(t, os.WriteFile(path, make([]byte, 2000), 0o600)) },
		"a link to elsewhere": func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".elsewhere", []byte("mine"), 0o600))
			must(t, os.Symlink(path+".elsewhere", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := stateDir(t)
			must(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, FileName+unfinished)
			left(t, path)
			must(t, open(t, dir).Put("shop", recordAt(1)))
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it is still there: %v", err)
			}
			if content, err := os.ReadFile(path + ".elsewhere"); err == nil && string(content) != "mine" {
				t.Error("it was written through the link")
			}
		})
	}
}

func TestAStateFolderThatOthersCouldReachIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(t *testing.T, dir string)
		says    []string
	}{
		"a folder that others may read": {func(t *testing.T, dir string) {
			must(t, os.Chmod(dir, 0o755))
		}, []string{"0755", "chmod 700"}},
		"a file that others may read": {func(t *testing.T, dir string) {
			must(t, os.Chmod(filepath.Join(dir, FileName), 0o640))
		}, []string{"0640", "chmod 600"}},
		"a symbolic link where others may make one": {func(t *testing.T, dir string) {
			must(t, os.Rename(dir, dir+".real"))
			must(t, os.Symlink(dir+".real", dir))
			must(t, os.Chmod(filepath.Dir(dir), 0o777))
		}, []string{"symbolic link", "state.dir"}},
		"somebody else's symbolic link": {func(t *testing.T, dir string) {
			needRoot(t)
			must(t, os.Rename(dir, dir+".real"))
			must(t, os.Symlink(dir+".real", dir))
			must(t, os.Lchown(dir, 12345, 12345))
		}, []string{"symbolic link", "state.dir"}},
		"a symbolic link to nothing": {func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t, os.Symlink(dir+".real", dir))
		}, []string{"symbolic link", "state.dir"}},
		"a symbolic link in place of the file": {func(t *testing.T, dir string) {
			file := filepath.Join(dir, FileName)
			must(t, os.Rename(file, file+".real"))
			must(t, os.Symlink(file+".real", file))
		}, []string{"symbolic link", FileName}},
		"a link to nothing in place of the file": {func(t *testing.T, dir string) {
			file := filepath.Join(dir, FileName)
			must(t, os.Remove(file))
			must(t, os.Symlink(file+".nowhere", file))
		}, []string{"symbolic link", FileName}},
		"a second name of the file": {func(t *testing.T, dir string) {
			must(t, os.Link(filepath.Join(dir, FileName), filepath.Join(dir, "other")))
		}, []string{"hard links"}},
		"a folder in place of the file": {func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, FileName)))
			must(t, os.Mkdir(filepath.Join(dir, FileName), 0o700))
		}, []string{FileName}},
		"a file in place of the folder": {func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t, os.WriteFile(dir, nil, 0o600))
		}, []string{"state"}},
		"somebody else's folder": {func(t *testing.T, dir string) {
			needRoot(t)
			must(t, os.Remove(filepath.Join(dir, FileName)))
			must(t, os.Chown(dir, 12345, 12345))
		}, []string{"belongs to user 12345", "sudo -u '#12345'"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := stateDir(t)
			must(t, open(t, dir).Close())
			c.arrange(t, dir)
			_, err := Open(dir)
			wantFault(t, err, true, c.says...)
		})
	}
}

// A service of systemd's with DynamicUser has its state folder behind a link of root's, below a folder that
// only root may change.
func TestAStateFolderBehindALinkThatNobodyElseCanMakeIsOpened(t *testing.T) {
	dir := stateDir(t)
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	private := filepath.Join(filepath.Dir(dir), "private")
	must(t, os.Mkdir(private, 0o700))
	must(t, os.Mkdir(filepath.Join(private, "rdip"), 0o700))
	must(t, os.Symlink(filepath.Join("private", "rdip"), dir))
	s := open(t, dir)
	must(t, s.Put("shop", recordAt(1)))
	must(t, s.Close())
	if _, err := os.Stat(filepath.Join(private, "rdip", FileName)); err != nil {
		t.Error(err)
	}
	if _, found, err := open(t, dir).Get("shop"); !found || err != nil {
		t.Errorf("after a restart: %t, %v", found, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
}

// G4: a position never goes back, unless a person says so.
func TestPutRefusesToGoBackAndReplaceDoesNot(t *testing.T) {
	s := open(t, stateDir(t))
	stored := fullRecord()
	must(t, s.Put("shop", stored))
	must(t, s.Put("shop", stored)) // the same place is no step back

	older := stored
	older.Place--
	wantFault(t, s.Put("shop", older), true, "behind the stored place", "rdip offsets set")
	olderTable := stored
	olderTable.Stopped = map[string]StoppedTable{"public.bad": {Position: `{"lsn":"0/1"}`, Place: 1}}
	wantFault(t, s.Put("shop", olderTable), true, "public.bad", "behind the stored place")
	givenUp := stored
	givenUp.Stopped = map[string]StoppedTable{"public.bad": {Reason: "given up"}}
	must(t, s.Put("shop", givenUp)) // it needs a new snapshot, and no place
	if got, _, _ := s.Get("shop"); got.Place != stored.Place {
		t.Errorf("a refused Put moved the place to %x", got.Place)
	}

	must(t, s.Replace("shop", older))
	if got, _, _ := s.Get("shop"); got.Place != older.Place {
		t.Errorf("place %x", got.Place)
	}
}

func TestConnectorsAreListedAndDeletedByName(t *testing.T) {
	s := open(t, stateDir(t))
	must(t, s.Put("a", recordAt(1)))
	must(t, s.Put("b", recordAt(2)))
	must(t, s.Delete("a"))
	must(t, s.Delete("never there"))
	all, err := s.List()
	if err != nil || len(all) != 1 || all["b"].Place != 2 {
		t.Errorf("%v, %v", all, err)
	}
	wantFault(t, s.Put("", recordAt(1)), true, "store offsets", "has a name")
}

// R1: an id outlives a restart, so that nothing is registered twice.
func TestSchemaIDsAreKeptBySubjectAndFingerprint(t *testing.T) {
	dir := stateDir(t)
	s := open(t, dir)
	a, b := [32]byte{1}, [32]byte{2}
	must(t, s.PutSchemaID("shop.public.orders-value", a, 17))
	must(t, s.PutSchemaID("a subject with spaces", b, 18))
	must(t, s.Close())
	s = open(t, dir)
	for _, c := range []struct {
		subject     string
		fingerprint [32]byte
		id          int32
		found       bool
	}{
		{"shop.public.orders-value", a, 17, true},
		{"a subject with spaces", b, 18, true},
		{"shop.public.orders-value", b, 0, false},
		{"shop.public.orders-key", a, 0, false},
	} {
		if id, found := s.SchemaID(c.subject, c.fingerprint); id != c.id || found != c.found {
			t.Errorf("%s: %d, %v", c.subject, id, found)
		}
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	s := open(t, stateDir(t))
	must(t, s.Close())
	must(t, s.Close())
	wantFault(t, s.Put("shop", recordAt(1)), true, "closed")
	if _, _, err := s.Get("shop"); err == nil {
		t.Error("read from a closed file")
	}
}

func TestDumpShowsTheFileAndChangesNothing(t *testing.T) {
	dir := stateDir(t)
	s := open(t, dir)
	must(t, s.Put("shop", recordAt(7)))
	must(t, s.PutSchemaID("b-value", [32]byte{1}, 2))
	must(t, s.PutSchemaID("a-value", [32]byte{2}, 1))
	if _, err := Dump(dir, Options{LockTimeout: 1}); err == nil {
		t.Error("dumped while the file is open")
	} else {
		wantFault(t, err, true, "held by another instance")
	}
	must(t, s.Close())
	before, err := os.ReadFile(s.Path())
	must(t, err)
	c, err := Dump(dir, Options{})
	must(t, err)
	if c.Format != Format || c.Connectors["shop"].Place != 7 || len(c.SchemaIDs) != 2 || c.SchemaIDs[0].Subject != "a-value" || c.SchemaIDs[1].ID != 2 {
		t.Errorf("%+v", c)
	}
	after, err := os.ReadFile(s.Path())
	must(t, err)
	if string(before) != string(after) {
		t.Error("the file changed")
	}
	if _, err := Dump(stateDir(t), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
