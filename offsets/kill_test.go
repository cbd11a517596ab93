package offsets

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// startHelper starts this test binary as a helper on dir, with its output.
func startHelper(t *testing.T, name, dir string) (*exec.Cmd, io.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0], dir)
	c.Env = append(os.Environ(), helperVariable+"="+name)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	return c, out
}

// runAndKill lets a helper work for a while behind its first line, kills it (SIGKILL), and gives the number
// that it printed last.
func runAndKill(t *testing.T, name, dir string, after time.Duration) (last uint64) {
	t.Helper()
	c, out := startHelper(t, name, dir)
	kill := sync.OnceFunc(func() { time.AfterFunc(after, func() { _ = c.Process.Kill() }) })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		last = n
		kill()
	}
	if err := c.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the helper ended by itself: %v", err)
	}
	return last
}

// D1: kill -9 anywhere in Put leaves the record that was there before it or the new one, whole, and never
// one older than what Put had returned for.
func TestAKilledPutLeavesTheOldRecordOrTheNewOne(t *testing.T) {
	dir := stateDir(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	returned := uint64(0)
	for range 15 {
		after := time.Duration(random.Int64N(int64(60 * time.Millisecond)))
		returned = max(returned, runAndKill(t, "put", dir, after))
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, found, err := s.Get("shop")
		if err != nil {
			t.Fatal(err)
		}
		if r.Place != returned && r.Place != returned+1 {
			t.Fatalf("the file is at %d, and Put had returned for %d", r.Place, returned)
		}
		want := recordAt(r.Place)
		want.Format, want.Updated = Format, r.Updated
		if found && !reflect.DeepEqual(r, want) {
			t.Fatalf("a mixture: %+v", r)
		}
		returned = r.Place
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if returned < 15 {
		t.Errorf("only %d records were stored: nothing was proved", returned)
	}
}

// O3: a process that is killed while it makes the file leaves a folder that the next one opens.
func TestAKilledInitialisationLeavesNothingHalfMade(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		runAndKill(t, "initialise", dir, rand.N(40*time.Millisecond))
		folders, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(folders) == 0 {
			t.Fatalf("no folder was made: %v", err)
		}
		for _, folder := range folders {
			s, err := Open(folder)
			if err != nil {
				t.Fatalf("%s: %v", folder, err)
			}
			if err := s.Put("shop", recordAt(1)); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
