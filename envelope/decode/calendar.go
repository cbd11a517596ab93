package decode

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// unit is what a number of a temporal type counts, in nanoseconds.
type unit int64

const (
	nanos  unit = 1
	micros unit = 1_000
	millis unit = 1_000_000
)

const (
	secondsADay  = 86_400
	nanosASecond = 1_000_000_000
)

// Debezium's stand-ins for infinity: of a timestamp in µs and in ms (PGStatement.DATE_POSITIVE_INFINITY and
// its opposite), and of a date, cut to 32 bits; no date of PostgreSQL's own is as old as these read.
const (
	infiniteFuture       = 9223372036825200000
	infinitePast         = -9223372036832400000
	infiniteFutureMillis = infiniteFuture / 1000
	infinitePastMillis   = infinitePast / 1000
	infiniteFutureDate   = -2147472692
	infinitePastDate     = -2147472691
)

// temporals say how the numbers of Connect's and Debezium's temporal types read.
var temporals = map[string]func(int64) string{
	"io.debezium.time.Date":                   date,
	"io.debezium.time.Time":                   millis.timeOfDay,
	"io.debezium.time.MicroTime":              micros.timeOfDay,
	"io.debezium.time.NanoTime":               nanos.timeOfDay,
	"io.debezium.time.Timestamp":              millis.timestamp,
	"io.debezium.time.MicroTimestamp":         micros.timestamp,
	"io.debezium.time.NanoTimestamp":          nanos.timestamp,
	"io.debezium.time.MicroDuration":          micros.duration,
	"io.debezium.time.NanoDuration":           nanos.duration,
	"org.apache.kafka.connect.data.Date":      date,
	"org.apache.kafka.connect.data.Time":      millis.timeOfDay,
	"org.apache.kafka.connect.data.Timestamp": millis.timestamp,
}

// date shows days since the epoch, in the proleptic Gregorian calendar, as PostgreSQL does.
func date(days int64) string {
	switch days {
	case infiniteFutureDate:
		return "infinity"
	case infinitePastDate:
		return "-infinity"
	}
	if days < math.MinInt32 || days > math.MaxInt32 {
		return fmt.Sprintf("%d days since 1970-01-01", days)
	}
	text, era := day(days)
	return text + era
}

func day(days int64) (text, era string) {
	y, m, d := time.Unix(days*secondsADay, 0).UTC().Date()
	if y <= 0 {
		y, era = 1-y, " BC"
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, int(m), d), era
}

// timeOfDay shows units past midnight; 24:00:00 is one.
func (u unit) timeOfDay(n int64) string {
	if n < 0 {
		return "-" + u.timeOfDay(-max(n, -math.MaxInt64))
	}
	seconds, rest := u.split(n)
	return clock(seconds, rest)
}

// timestamp shows units since the epoch; the type has no zone.
func (u unit) timestamp(n int64) string {
	switch {
	case n == math.MaxInt64, u == micros && n == infiniteFuture, u == millis && n == infiniteFutureMillis:
		return "infinity"
	case n == math.MinInt64, u == micros && n == infinitePast, u == millis && n == infinitePastMillis:
		return "-infinity"
	}
	seconds, rest := u.split(n)
	days := floor(seconds, secondsADay)
	text, era := day(days)
	return text + " " + clock(seconds-days*secondsADay, rest) + era
}

// duration shows units as days and a time; a month was 30.4375 days when it was counted.
func (u unit) duration(n int64) string {
	switch n {
	case math.MaxInt64:
		return "infinity"
	case math.MinInt64:
		return "-infinity"
	}
	sign := ""
	if n < 0 {
		n, sign = -n, "-"
	}
	seconds, rest := u.split(n)
	days := seconds / secondsADay
	text := sign + clock(seconds%secondsADay, rest)
	switch {
	case days == 0:
		return text
	case seconds%secondsADay == 0 && rest == 0:
		return fmt.Sprintf("%s%dd", sign, days)
	}
	return fmt.Sprintf("%s%dd %s", sign, days, text)
}

// split is n as whole seconds, rounded down, and the nanoseconds that are left.
func (u unit) split(n int64) (seconds, rest int64) {
	each := nanosASecond / int64(u)
	seconds = floor(n, each)
	return seconds, (n - seconds*each) * int64(u)
}

func floor(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

// clock is hh:mm:ss, with as many digits of a second as it takes.
func clock(seconds, rest int64) string {
	text := fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if rest == 0 {
		return text
	}
	return text + strings.TrimRight(fmt.Sprintf(".%09d", rest), "0")
}
