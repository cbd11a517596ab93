package kafka

import "encoding/binary"

// Keyless is the partition of every record without a key: a table that has none goes to one partition, so
// that its order holds (P10). Kafka's own default would scatter such records.
const Keyless int32 = 0

// Partition is where a record with this key goes, exactly as Kafka's Java client chooses (murmur2, see
// BuiltInPartitioner.partitionForKey), so that topics are co-partitioned with everybody else's. A nil key
// goes to Keyless; an empty key is a key. It panics where partitions is not positive.
func Partition(key []byte, partitions int32) int32 {
	if key == nil {
		return Keyless
	}
	// Utils.toPositive masks the sign away; it is not an absolute value.
	return int32(murmur2(key)&0x7fffffff) % partitions
}

// murmur2 is org.apache.kafka.common.utils.Utils.murmur2: MurmurHash2, little-endian, seed 0x9747b28c.
func murmur2(b []byte) uint32 {
	const (
		seed  uint32 = 0x9747b28c
		m     uint32 = 0x5bd1e995
		shift        = 24
	)
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		k ^= k >> shift
		h = h*m ^ k*m
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
