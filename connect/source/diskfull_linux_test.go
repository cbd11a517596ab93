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

	"rdip/integration/testenv"
	"rdip/offsets"
	"rdip/readers/postgres"
	"rdip/snapshot"
)

// O4: a disk that is full when a snapshot ends is waited for: hours of copying are not done again for it. A
// stop meanwhile ends the wait, with nothing written.
func TestAFullDiskAtTheEndOfASnapshotIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	disk := testenv.SmallDisk(t, dir, 256<<10, os.Geteuid())
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
	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}

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
	if err := disk.Free(); err != nil {
		t.Fatal(err)
	}
	if err := <-kept; err != nil {
		t.Fatal(err)
	}
	if record, _, err := store.Get("shop"); !record.SnapshotDone || record.Place != 7 || err != nil {
		t.Errorf("stored: %+v %v", record, err)
	}
}
