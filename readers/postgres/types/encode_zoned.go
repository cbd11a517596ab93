package types

import (
	"rdip/envelope"
)

// zonedTimestampEncoder is an instant as ISO 8601 in UTC, with as many digits of the second's fraction as the
// column has (io.debezium.time.ZonedTimestamp with java.time's ISO_LOCAL_DATE): a year beyond 9999 has a
// plus, 1 BC is 0000, 2 BC -0001. Infinities are the words infinity and -infinity.
func zonedTimestampEncoder(precision int) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		if s := string(wire); s == "infinity" || s == "-infinity" {
			return envelope.AppendString(dst, wire), nil
		}
		s := scanner{b: wire}
		date := s.date()
		s.want(' ')
		micros := s.clock()
		micros -= s.zone() * microsPerSecond
		days := s.era(date)
		if !s.done() {
			return dst, malformed("a timestamp with time zone as DateStyle ISO has it")
		}
		over := floorDiv(micros, microsPerDay)
		var text [48]byte
		out := appendISODate(text[:0], civilOf(days+over))
		out = appendISOTime(append(out, 'T'), micros-over*microsPerDay, precision)
		return envelope.AppendString(dst, append(out, 'Z')), nil
	}
}

// encodeZonedTime is a time of day in UTC, as ISO 8601 with no zeros at the end of its fraction
// (io.debezium.time.ZonedTime). The day that the shift may change is not part of it; 24:00:00 in UTC stays.
func encodeZonedTime(dst, wire []byte) ([]byte, error) {
	s := scanner{b: wire}
	micros := s.clock()
	offset := s.zone()
	if !s.done() {
		return dst, malformed("a time with time zone")
	}
	if micros != microsPerDay || offset != 0 {
		micros -= offset * microsPerSecond
		micros -= floorDiv(micros, microsPerDay) * microsPerDay
	}
	var text [24]byte
	return envelope.AppendString(dst, append(appendISOTime(text[:0], micros, shortest), 'Z')), nil
}

// appendISODate is java.time's ISO_LOCAL_DATE.
func appendISODate(dst []byte, d civil) []byte {
	switch {
	case d.year > 9999:
		dst = append(dst, '+')
	case d.year < 0:
		dst = append(dst, '-')
		d.year = -d.year
	}
	width := 4
	for limit := int64(10000); d.year >= limit; limit *= 10 {
		width++
	}
	dst = appendPadded(dst, d.year, width)
	dst = appendPadded(append(dst, '-'), d.month, 2)
	return appendPadded(append(dst, '-'), d.day, 2)
}

// shortest asks for a fraction without zeros at its end, and without a point where it is zero.
const shortest = -1

// appendISOTime is HH:MM:SS with so many digits of fraction. Precision 0 is the shortest form too, as
// Debezium's is.
func appendISOTime(dst []byte, micros int64, precision int) []byte {
	dst = appendPadded(dst, micros/microsPerHour, 2)
	dst = appendPadded(append(dst, ':'), micros/microsPerMinute%60, 2)
	dst = appendPadded(append(dst, ':'), micros/microsPerSecond%60, 2)
	fraction := micros % microsPerSecond
	if precision <= 0 && fraction == 0 {
		return dst
	}
	mark := len(dst)
	dst = appendPadded(append(dst, '.'), fraction, 6)
	if precision > 0 {
		return dst[:mark+1+precision]
	}
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendPadded is n, which is not negative, in so many digits.
func appendPadded(dst []byte, n int64, width int) []byte {
	for range width {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; n > 0 && width > 0; i, width = i-1, width-1 {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}
