package offsets

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rdip/internal/fault"
)

// O1, D7: a second instance is refused, and told which process has the file.
func TestASecondInstanceIsToldWhoHoldsTheFile(t *testing.T) {
	dir := stateDir(t)
	c, out := startHelper(t, "hold", dir)
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "holding" {
		t.Fatal("the helper did not start")
	}
	_, err := OpenWith(dir, Options{LockTimeout: 50 * time.Millisecond})
	wantFault(t, err, true, "held by another instance", filepath.Join(dir, FileName), "state.dir")
	if runtime.GOOS == "linux" {
		wantFault(t, err, true, fmt.Sprintf("stop process %d", c.Process.Pid))
	}
	must(t, c.Process.Kill())
	_ = c.Wait() // it was killed
	open(t, dir) // the lock went with its process
}

func TestOneOfManyThatStartTogetherGetsTheFile(t *testing.T) {
	for range 4 {
		dir := stateDir(t)
		var starters sync.WaitGroup
		var mu sync.Mutex
		var opened []*Store
		for range 8 {
			starters.Go(func() {
				s, err := OpenWith(dir, Options{LockTimeout: 100 * time.Millisecond})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					opened = append(opened, s)
				} else if !fault.IsPermanent(err) {
					t.Error(err)
				}
			})
		}
		starters.Wait()
		if len(opened) != 1 {
			t.Fatalf("%d hold the file", len(opened))
		}
		must(t, opened[0].Put("shop", recordAt(1)))
		must(t, opened[0].Close())
		if r, _, err := open(t, dir).Get("shop"); err != nil || r.Place != 1 {
			t.Errorf("the one that held the file stored into another: %v, %v", r, err)
		}
	}
}

// D10: what a newer rdip wrote is refused and stays as it is.
func TestANewerFormatIsRefused(t *testing.T) {
	for name, raise := range map[string]func(*bbolt.Tx) error{
		"of the file": func(tx *bbolt.Tx) error { return putFormat(tx, Format+1) },
		"of one record": func(tx *bbolt.Tx) error {
			value, err := encodeRecord("shop", Record{Format: Format + 1})
			return errors.Join(err, tx.Bucket(connectorsBucket).Put([]byte("shop"), value))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := someFile(t, 0)
			change(t, dir, raise)
			for range 2 {
				_, err := Open(dir)
				wantFault(t, err, true, "newer rdip", fmt.Sprintf("format %d", Format+1), "run the rdip that wrote it")
				_, err = Dump(dir, Options{})
				wantFault(t, err, true, "newer rdip")
			}
		})
	}
}

func TestAFormatThatNeverWasIsRefused(t *testing.T) {
	for name, format := range map[string]string{"text": "one", "nothing": "", "zero": "0", "negative": "-1"} {
		t.Run(name, func(t *testing.T) {
			dir, _ := someFile(t, 0)
			change(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(formatKey, []byte(format)) })
			_, err := Open(dir)
			wantFault(t, err, true, filepath.Join(dir, FileName), "format")
		})
	}
}

// change edits the file behind the store's back.
func change(t *testing.T, dir string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, FileName), fileMode, nil)
	must(t, err)
	must(t, db.Update(fn))
	must(t, db.Close())
}

func TestAnUpgradeHappensWholeOrNotAtAll(t *testing.T) {
	dir, _ := someFile(t, 0)
	s := open(t, dir)
	var ran []int
	note := func(n int, err error) step {
		return func(tx *bbolt.Tx) error {
			ran = append(ran, n)
			return errors.Join(tx.Bucket(metaBucket).Put([]byte("note"), []byte{byte(n)}), err)
		}
	}
	format := func() (n int) {
		must(t, s.view(func(tx *bbolt.Tx) (err error) { n, err = fileFormat(tx); return err }))
		return n
	}
	fail := errors.New("no")
	err := s.commit("upgrade", "x", func(tx *bbolt.Tx) error { return upgrade(tx, 1, []step{note(1, nil), note(2, fail)}) })
	if !errors.Is(err, fail) || format() != Format {
		t.Errorf("%v, format %d", err, format())
	}
	must(t, s.commit("upgrade", "x", func(tx *bbolt.Tx) error { return upgrade(tx, 2, []step{note(1, nil), note(2, nil), note(3, nil)}) }))
	if fmt.Sprint(ran) != "[1 2 2 3]" || format() != 4 {
		t.Errorf("ran %v, format %d", ran, format())
	}
}

// After a sync failed, what the disk holds is not known: the store takes no more until it is opened again.
func TestAFailedSyncEndsTheStore(t *testing.T) {
	dir, _ := someFile(t, 0)
	s := open(t, dir)
	err := s.commit("store offsets", "x", func(*bbolt.Tx) error { return fmt.Errorf("fdatasync: %w", syscall.EIO) })
	wantFault(t, err, true, "input/output error", "start again")
	wantFault(t, s.Put("shop", recordAt(4712)), true, "input/output error")
	must(t, s.Close())
	must(t, open(t, dir).Put("shop", recordAt(4712)))
}

func TestAPanicOverADamagedPageIsAnError(t *testing.T) {
	s := open(t, stateDir(t))
	err := s.view(func(*bbolt.Tx) error { panic("page 7: flags") })
	if !errors.Is(err, errPanicked) {
		t.Error(err)
	}
	wantFault(t, s.commit("store offsets", "x", func(*bbolt.Tx) error { panic("page 7") }), true, "page 7")
}
