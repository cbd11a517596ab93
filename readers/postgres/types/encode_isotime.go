package types

import (
	"encoding/binary"
	"math"

	"rdip/envelope"
)

// encodeISODate is io.debezium.time.IsoDate: java.time's ISO_OFFSET_DATE in UTC, such as 2024-02-29Z. Infinities
// are the words infinity and -infinity, as in a ZonedTimestamp.
func encodeISODate(dst, wire []byte) ([]byte, error) {
	if isInfinity(wire) {
		return envelope.AppendString(dst, wire), nil
	}
	s := scanner{b: wire}
	days := s.era(s.date())
	if !s.done() {
		return dst, errDate
	}
	var text [24]byte
	return envelope.AppendString(dst, append(appendISODate(text[:0], civilOf(days)), 'Z')), nil
}

// encodeISOTime is io.debezium.time.IsoTime: ISO_OFFSET_TIME in UTC, without zeros at the end of its fraction.
// 24:00:00 stays.
func encodeISOTime(dst, wire []byte) ([]byte, error) {
	s := scanner{b: wire}
	micros := s.clock()
	if !s.done() {
		return dst, errTime
	}
	var text [24]byte
	return envelope.AppendString(dst, append(appendISOTime(text[:0], micros, shortest), 'Z')), nil
}

// encodeISOTimestamp is io.debezium.time.IsoTimestamp: ISO_OFFSET_DATE_TIME in UTC, in its shortest form.
func encodeISOTimestamp(dst, wire []byte) ([]byte, error) {
	if isInfinity(wire) {
		return envelope.AppendString(dst, wire), nil
	}
	days, clock, ok := parseTimestamp(wire)
	if !ok {
		return dst, errTimestamp
	}
	var text [48]byte
	out := appendISODate(text[:0], civilOf(days))
	out = appendISOTime(append(out, 'T'), clock, shortest)
	return envelope.AppendString(dst, append(out, 'Z')), nil
}

func isInfinity(wire []byte) bool {
	return string(wire) == "infinity" || string(wire) == "-infinity"
}

// encodeNanoTime is nanoseconds past midnight; 24:00:00 is a whole day.
func encodeNanoTime(dst, wire []byte) ([]byte, error) {
	s := scanner{b: wire}
	micros := s.clock()
	if !s.done() {
		return dst, errTime
	}
	return binary.AppendVarint(dst, micros*1000), nil
}

// Days whose every nanosecond is an int64 since 1970: 1677-09-22 to 2262-04-10.
const (
	nanosPerDay  = microsPerDay * 1000
	firstNanoDay = math.MinInt64 / nanosPerDay
	lastNanoDay  = math.MaxInt64/nanosPerDay - 1
)

// encodeNanoTimestamp is nanoseconds since 1970. Infinities are the ends of a long, which no other value is.
func encodeNanoTimestamp(dst, wire []byte) ([]byte, error) {
	switch string(wire) {
	case "infinity":
		return binary.AppendVarint(dst, math.MaxInt64), nil
	case "-infinity":
		return binary.AppendVarint(dst, math.MinInt64), nil
	}
	days, clock, ok := parseTimestamp(wire)
	switch {
	case !ok:
		return dst, errTimestamp
	case days < firstNanoDay || days > lastNanoDay:
		return dst, errNanoRange
	}
	return binary.AppendVarint(dst, days*nanosPerDay+clock*1000), nil
}

var errNanoRange = unholdable("a timestamp outside 1677-09-22 to 2262-04-10, which nanoseconds since 1970 in an Avro long (time.precision.mode: nanoseconds) cannot hold",
	"time.precision.mode: microseconds, or change the row")
