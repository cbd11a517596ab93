package types

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"rdip/envelope"
)

// microsPerMonth is Debezium's average month: 365.25 / 12 days.
const microsPerMonth = 2_629_800_000_000

// What stands for an infinite interval (PostgreSQL 17): the ends of a long, which no finite one reaches.
const (
	intervalPositiveInfinity = math.MaxInt64
	intervalNegativeInfinity = math.MinInt64
)

// interval is what interval_out writes under IntervalStyle postgres. Months, days and the rest each have a
// sign of their own.
type interval struct {
	years, months, days int64
	// clock is the part below a day in microseconds.
	clock int64
}

// intervalEncoder is io.debezium.time.MicroDuration: microseconds, a month being 365.25/12 days. They are
// exact; Debezium computes them in doubles and drops what is behind the point, which loses a microsecond now
// and then, and more of long intervals. In doubles it is asked for that.
func intervalEncoder(inDoubles bool) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		switch string(wire) {
		case "infinity":
			return binary.AppendVarint(dst, intervalPositiveInfinity), nil
		case "-infinity":
			return binary.AppendVarint(dst, intervalNegativeInfinity), nil
		}
		v, ok := parseInterval(wire)
		if !ok {
			return dst, malformed("an interval as IntervalStyle postgres has it")
		}
		micros, ok := v.micros()
		if inDoubles {
			micros = v.microsInDoubles()
		} else if !ok {
			return dst, errIntervalRange
		}
		return binary.AppendVarint(dst, micros), nil
	}
}

var errIntervalRange = unholdable("an interval of more than 292,277 years, whose microseconds an Avro long cannot hold",
	"interval.handling.mode: string, or change the row")

// parseInterval reads "1 year 2 mons -3 days +04:05:06.789", of which every part may be missing.
func parseInterval(wire []byte) (v interval, ok bool) {
	s := scanner{b: wire}
	for first := true; ; first = false {
		if !first && !s.take(' ') {
			return v, s.done()
		}
		sign := int64(1)
		if s.take('-') {
			sign = -1
		} else {
			s.take('+')
		}
		n := s.number(1, 10)
		if s.take(':') {
			v.clock = s.intervalClock(sign, n)
			return v, s.done()
		}
		s.want(' ')
		switch {
		case s.word("year"):
			v.years = sign * n
		case s.word("mon"):
			v.months = sign * n
		case s.word("day"):
			v.days = sign * n
		default:
			return v, false
		}
		if s.bad {
			return v, false
		}
	}
}

// word consumes a word in singular or plural.
func (s *scanner) word(w string) bool {
	if len(s.b) < len(w) || string(s.b[:len(w)]) != w {
		return false
	}
	s.b = s.b[len(w):]
	s.take('s')
	return true
}

// intervalClock consumes MM:SS[.ffffff] behind the hours, which may be many: the whole range of an int64 is used.
func (s *scanner) intervalClock(sign, hours int64) int64 {
	minutes := s.number(2, 2)
	s.want(':')
	micros := s.number(2, 2) * microsPerSecond
	if s.take('.') {
		micros += s.fraction()
	}
	if minutes > 59 || micros >= microsPerMinute || hours > math.MaxInt64/microsPerHour {
		s.bad = true
		return 0
	}
	total := uint64(hours)*microsPerHour + uint64(minutes)*microsPerMinute + uint64(micros)
	if total > math.MaxInt64 && (sign > 0 || total > 1<<63) {
		s.bad = true
	}
	return sign * int64(total)
}

// micros is the whole interval, and whether an int64 holds it short of the infinities.
func (v interval) micros() (int64, bool) {
	// Months and days have ten digits each, so that 128 bits are enough.
	hi, lo := multiply(v.years*12+v.months, microsPerMonth)
	dayHi, dayLo := multiply(v.days, microsPerDay)
	lo, carry := bits.Add64(lo, dayLo, 0)
	hi, _ = bits.Add64(hi, dayHi, carry)
	lo, carry = bits.Add64(lo, uint64(v.clock), 0)
	hi, _ = bits.Add64(hi, uint64(v.clock>>63), carry)
	n := int64(lo)
	return n, hi == uint64(n>>63) && n != intervalPositiveInfinity && n != intervalNegativeInfinity
}

// multiply is a signed product in 128 bits.
func multiply(a, b int64) (hi, lo uint64) {
	hi, lo = bits.Mul64(uint64(a), uint64(b))
	if a < 0 {
		hi -= uint64(b)
	}
	if b < 0 {
		hi -= uint64(a)
	}
	return hi, lo
}

// microsInDoubles is MicroDuration.durationMicros of Debezium's, operation for operation; conversions keep
// the compiler from fusing them.
func (v interval) microsInDoubles() int64 {
	hours, rest := v.clock/microsPerHour, v.clock%microsPerHour
	minutes, rest := rest/microsPerMinute, rest%microsPerMinute
	seconds := float64(rest/microsPerSecond) + float64(float64(rest%microsPerSecond)/1e6)
	days := float64(float64(v.years*12+v.months)*30.4375) + float64(v.days)
	total := float64(float64(float64(days*24)+float64(hours))*60) + float64(minutes)
	total = float64(total*60) + seconds
	switch micros := float64(total * 1e6); {
	case micros >= math.MaxInt64:
		return math.MaxInt64 // Java's cast saturates
	case micros <= math.MinInt64:
		return math.MinInt64
	default:
		return int64(micros)
	}
}

// encodeISOInterval is io.debezium.time.Interval: each part with its own sign, P-1Y-2M3DT-4H-5M-6.789S. Infinities
// (PostgreSQL 17) are the words infinity and -infinity.
func encodeISOInterval(dst, wire []byte) ([]byte, error) {
	if isInfinity(wire) {
		return envelope.AppendString(dst, wire), nil
	}
	v, ok := parseInterval(wire)
	if !ok {
		return dst, malformed("an interval as IntervalStyle postgres has it")
	}
	var room [128]byte
	text := append(room[:0], 'P')
	for _, part := range [...]struct {
		n    int64
		unit string
	}{
		{v.years, "Y"}, {v.months, "M"}, {v.days, "DT"},
		{v.clock / microsPerHour, "H"}, {v.clock % microsPerHour / microsPerMinute, "M"},
	} {
		text = append(strconv.AppendInt(text, part.n, 10), part.unit...)
	}
	text = appendSeconds(text, v.clock%microsPerMinute)
	return envelope.AppendString(dst, append(text, 'S')), nil
}

// appendSeconds is microseconds as seconds, without zeros at the end of their fraction.
func appendSeconds(dst []byte, micros int64) []byte {
	if micros < 0 {
		dst, micros = append(dst, '-'), -micros
	}
	dst = strconv.AppendUint(dst, uint64(micros/microsPerSecond), 10)
	fraction := micros % microsPerSecond
	if fraction == 0 {
		return dst
	}
	dst = appendPadded(append(dst, '.'), fraction, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
