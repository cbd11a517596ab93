package reliability

import (
	"encoding/json"
	"fmt"
	"testing"

	"rdip/connect/rest"
	"rdip/integration/harness"
)

// reading is how far the reading of the table items has come.
func reading(t *testing.T, d *harness.Daemon) rest.SnapshotStatus {
	t.Helper()
	_, body := d.Get(t, "/connectors/shop/snapshots")
	var all []rest.SnapshotStatus
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, s := range all {
		if s.Table == "public.items" {
			return s
		}
	}
	return rest.SnapshotStatus{}
}

// partRead waits until a part of the table is read, and returns what is left, which must be something.
func partRead(t *testing.T, d *harness.Daemon, than int) int {
	t.Helper()
	var s rest.SnapshotStatus
	harness.Eventually(t, fmt.Sprintf("more than %d parts to be read", than), func() bool { s = reading(t, d); return s.ChunksDone > than })
	if s.ChunksDone >= s.Chunks {
		t.Fatalf("everything was read before it could be disturbed: %+v", s)
	}
	return s.ChunksDone
}

// D9, D1: a pause and a reload in a first snapshot, and a pause, a restart and a reload in the windows that read what is left,
// repeat no row and lose none; what changes meanwhile is there, once.
func TestExactlyOncePausesAndReloadsInASnapshotRepeatNothing(t *testing.T) {
	const rows, changed = 150_000, 40
	// Parts that do not fit into one window.
	p := once(t).Configured("connectors.shop.snapshot.chunk.bytes", "1MiB", "connectors.shop.incremental.snapshot.chunk.bytes", "1MiB", "connectors.shop.incremental.snapshot.window.bytes", "256KiB", "connectors.shop.snapshot.max.threads", "1")
	p.Exec(t, fmt.Sprintf("INSERT INTO items SELECT i, repeat('x', 400) FROM generate_series(1, %d) i", rows-1))
	update := func(from int) {
		t.Helper()
		for i := from; i < from+changed/4; i++ { // of the table's end, which is read last
			p.Exec(t, fmt.Sprintf("UPDATE items SET note = 'changed' WHERE id = %d", rows-1-i))
		}
	}
	d := p.Start(t)
	d.WaitFor(t, "state=snapshot")
	partRead(t, d, 0) // of the first snapshot
	asked(t, p, d, "pause", "shop")
	update(0)
	asked(t, p, d, "resume", "shop")
	at := partRead(t, d, reading(t, d).ChunksDone) // of the windows
	asked(t, p, d, "pause", "shop")
	update(changed / 4)
	asked(t, p, d, "resume", "shop")
	at = partRead(t, d, at)
	p.Configured("connectors.shop.skipped.operations", "t,d").File(t)
	asked(t, p, d, "reload")
	update(changed / 2)
	partRead(t, d, at)
	asked(t, p, d, "restart", "shop")
	update(3 * changed / 4)
	harness.SnapshotDone(t, d)
	p.Converge(t)
	ends(t, d)
	reads, updates := map[string]int{}, map[string]int{}
	for _, r := range p.Records(t, "items") {
		switch r.Op {
		case 'r':
			reads[r.Key]++
		case 'u':
			updates[r.Key]++
		default:
			t.Errorf("a record of op %c", r.Op)
		}
	}
	for i := range rows {
		key := fmt.Sprint(i)
		wasChanged := i >= rows-changed
		if n := reads[key]; n > 1 || n == 0 && !wasChanged { // a row that changed may be in the log alone, or read behind its change
			t.Fatalf("row %s was read %d times", key, n)
		}
		if n := updates[key]; wasChanged && n != 1 || !wasChanged && n != 0 {
			t.Fatalf("the update of row %s came %d times", key, n)
		}
	}
}
