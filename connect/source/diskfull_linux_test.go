package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rdip/offsets"
	"rdip/readers/postgres"
	"rdip/snapshot"
)

// O4: a disk that is full when a snapshot ends is waited for: hours of copying are not done again for it. A
// stop meanwhile ends the wait, with nothing written.
func TestAFullDiskAtTheEndOfASnapshotIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k,mode=0700"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a small file system cannot be mounted: %v", err)
		}
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	store, err := offsets.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	task := &Task{Name: "shop", Store: store, Log: slog.New(slog.DiscardHandler)}
	r := &run{task: task, reader: postgres.New("shop", postgres.Config{})}
	r.ledger = &ledger{task: task, record: offsets.Record{Topics: map[string]string{}}, readings: snapshot.NewReadings(nil, nil)}
	for i := range 1000 { // so that the record needs room
		r.ledger.record.Topics[fmt.Sprintf("shop.public.table_%04d", i)] = "an id of a topic"
	}
	filler := filepath.Join(dir, "filler")
	fill(t, filler)

	stopped, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if err := r.keepSnapshot(stopped, at(7), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("on a full disk: %v", err)
	}
	if record, found, err := store.Get("shop"); found || err != nil {
		t.Fatalf("stored: %+v %v", record, err)
	}
	kept := make(chan error)
	go func() { kept <- r.keepSnapshot(t.Context(), at(7), nil) }()
	for task.Status().StoreErr == nil {
		time.Sleep(time.Millisecond)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := <-kept; err != nil {
		t.Fatal(err)
	}
	if record, _, err := store.Get("shop"); !record.SnapshotDone || record.Place != 7 || err != nil {
		t.Errorf("stored: %+v %v", record, err)
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}
