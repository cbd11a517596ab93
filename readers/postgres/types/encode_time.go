package types

import (
	"encoding/binary"
	"math"

	"rdip/envelope"
)

// What stands for an infinite date, in days: the values of Debezium's stream (PostgresValueConverter's
// POSITIVE_INFINITY_LOCAL_DATE, -5877611-06-21, and NEGATIVE_INFINITY_LOCAL_DATE, the day after it), which
// no date of PostgreSQL's can be: its first is 4714-11-24 BC.
const (
	datePositiveInfinity = -2147472692
	dateNegativeInfinity = -2147472691
)

// What stands for an infinite timestamp, in microseconds: pgjdbc's PGStatement.DATE_POSITIVE_INFINITY and
// DATE_NEGATIVE_INFINITY, as Debezium's stream has them. In milliseconds they are the same instants.
const (
	timestampPositiveInfinity = 9223372036825200000
	timestampNegativeInfinity = -9223372036832400000
)

const (
	errDate      = malformed("a date as DateStyle ISO has it")
	errTime      = malformed("a time of day")
	errTimestamp = malformed("a timestamp as DateStyle ISO has it")
)

// encodeDate is the days since 1970-01-01.
func encodeDate(dst, wire []byte) ([]byte, error) {
	switch string(wire) {
	case "infinity":
		return binary.AppendVarint(dst, datePositiveInfinity), nil
	case "-infinity":
		return binary.AppendVarint(dst, dateNegativeInfinity), nil
	}
	s := scanner{b: wire}
	days := s.era(s.date())
	if !s.done() {
		return dst, errDate
	}
	return binary.AppendVarint(dst, days), nil
}

// timeEncoder is the time of day in microseconds divided by unit. 24:00:00 is a whole day.
func timeEncoder(unit int64) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		s := scanner{b: wire}
		micros := s.clock()
		if !s.done() {
			return dst, errTime
		}
		return binary.AppendVarint(dst, micros/unit), nil
	}
}

// parseTimestamp is the days since 1970-01-01 and the microseconds since midnight of a finite timestamp.
func parseTimestamp(wire []byte) (days, clock int64, ok bool) {
	s := scanner{b: wire}
	date := s.date()
	s.want(' ')
	clock = s.clock()
	days = s.era(date)
	return days, clock, s.done()
}

// timestampEncoder is the microseconds since 1970, local time read as UTC, divided by unit.
func timestampEncoder(unit int64) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		switch string(wire) {
		case "infinity":
			return binary.AppendVarint(dst, floorDiv(timestampPositiveInfinity, unit)), nil
		case "-infinity":
			return binary.AppendVarint(dst, floorDiv(timestampNegativeInfinity, unit)), nil
		}
		days, clock, ok := parseTimestamp(wire)
		if !ok {
			return dst, errTimestamp
		}
		if unit == 1 && days > lastMicroDay {
			return dst, errTimestampRange
		}
		return binary.AppendVarint(dst, days*(microsPerDay/unit)+floorDiv(clock, unit)), nil
	}
}

// lastMicroDay is the last day whose every microsecond is an int64 since 1970: 294247-01-09. PostgreSQL's
// timestamps reach 294276-12-31.
const lastMicroDay = math.MaxInt64/microsPerDay - 1

var errTimestampRange = unholdable("a timestamp after 294247-01-09, which microseconds since 1970 in an Avro long cannot hold",
	"time.precision.mode: isostring, or make the column timestamp(3), or change the row")
