package connect

import (
	"testing"
	"time"

	"rdip/connect/metrics"
	"rdip/snapshot"
)

// What is left of a table's snapshot is told while something is, and for how long only while it is read.
func TestTheMetricsOfASnapshotSayWhatIsLeft(t *testing.T) {
	const unknown = metrics.Unknown
	share := func(done float64, chunks, chunksDone int, left time.Duration) snapshot.Share {
		return snapshot.Share{Rows: 70, Done: done, Chunks: chunks, ChunksDone: chunksDone, RowsPerSecond: 9.6, Left: left}
	}
	for name, c := range map[string]struct {
		report        snapshot.TableReport
		left, seconds int64
	}{
		"in the first snapshot":  {snapshot.TableReport{Share: share(0.5, 8, 4, 90*time.Second)}, 4, 90},
		"in windows":             {snapshot.TableReport{Share: share(0.5, 8, 4, 90*time.Second), State: snapshot.ReadingRunning}, 4, 90},
		"one that waits":         {snapshot.TableReport{Share: share(0.5, 8, 4, 90*time.Second), State: snapshot.ReadingWaiting}, 4, unknown},
		"one that was not begun": {snapshot.TableReport{Share: share(0, 0, 0, -1), State: snapshot.ReadingQueued}, unknown, unknown},
		"finished":               {snapshot.TableReport{Share: share(1, 8, 8, 0), State: snapshot.ReadingFinished}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.report.Estimate = 100
			got := metrics.TableStats{SnapshotChunksLeft: unknown, SnapshotSeconds: unknown}
			reading(&got, &c.report)
			if want := (metrics.TableStats{SnapshotRows: 70, SnapshotTotal: 100, SnapshotPace: 10, SnapshotChunksLeft: c.left, SnapshotSeconds: c.seconds}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
