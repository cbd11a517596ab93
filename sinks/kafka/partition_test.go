package kafka_test

import (
	"testing"

	"rdip/sinks/kafka"
)

// The hashes are those of Kafka's own UtilsTest.testMurmur2, as signed 32-bit numbers.
func TestKeysGoWhereKafkasDefaultPartitionerSendsThem(t *testing.T) {
	for key, hash := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		for _, n := range []int32{1, 2, 3, 12, 1000, 1<<31 - 1} {
			if got, want := kafka.Partition([]byte(key), n), (hash&0x7fffffff)%n; got != want {
				t.Errorf("Partition(%q, %d) = %d, want %d", key, n, got, want)
			}
		}
	}
}

func TestRecordsWithoutAKeyShareOnePartitionSoThatTheirOrderHolds(t *testing.T) { // P10
	for _, n := range []int32{1, 7, 64} {
		if got := kafka.Partition(nil, n); got != kafka.Keyless {
			t.Errorf("a nil key went to partition %d of %d", got, n)
		}
	}
	if kafka.Partition([]byte{}, 1000) == kafka.Keyless {
		t.Error("an empty key is a key: it is hashed, and its hash is not a multiple of 1000")
	}
}

func TestPartitioningAllocatesNothing(t *testing.T) {
	key := []byte("\x00\x00\x00\x00\x01\x02\x80\x01")
	if n := testing.AllocsPerRun(100, func() { kafka.Partition(key, 12) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
