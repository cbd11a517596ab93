package reliability

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
)

// diskFaults are a broker's disks that are full.
func diskFaults() []fault {
	return []fault{
		{name: "the broker's only disk is full until it is given room", modes: both, // K1
			proves: "a broker that its full disk ends is waited for; with room and started again, nothing is missing, repeated or out of order",
			not:    "a disk that lies about what it has written",
			run: func(t *testing.T, mode harness.Mode) {
				fullDisk(t, mode, func(disk string) string { return disk })
			}},
		{name: "one of the broker's two disks is full and its partitions are offline", modes: both, // K1, K2
			proves: "partitions that answer KAFKA_STORAGE_ERROR or have no leader hold back what is theirs; with room and the broker started again, nothing is missing, repeated or out of order",
			not:    "a disk that is replaced by an empty one: an unreplicated partition is lost with it",
			run: func(t *testing.T, mode harness.Mode) {
				fullDisk(t, mode, func(disk string) string { return t.TempDir() + "," + disk })
			}},
	}
}

// fullDisk gives a broker folders of which one is a small disk, and fills that under load.
func fullDisk(t *testing.T, mode harness.Mode, dirs func(disk string) string) {
	dir := filepath.Join(t.TempDir(), "disk")
	must(t, os.Mkdir(dir, 0o755))
	disk := testenv.SmallDisk(t, dir, 256<<20, 0)
	kafka := testenv.Kafka(t, kafkaserver.Options{Properties: map[string]string{
		"log.dirs": dirs(dir), "log.index.size.max.bytes": "65536"}})
	l := load(t, mode.Run(t, testenv.SharedPostgres(t, 18), kafka))
	l.goesOn(t, time.Second)
	must(t, disk.Fill())
	l.Faulted(1)
	harness.Eventually(t, "the broker to say that its disk is full", func() bool { return strings.Contains(kafka.Logs(2000), "No space left on device") })
	time.Sleep(2 * time.Second)
	must(t, disk.Free(), kafka.Kill(), kafka.Start(t.Context()))
	l.goesOn(t, 500*time.Millisecond)
	l.end(t)
}
