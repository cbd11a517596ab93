package configs

import (
	"math"
	"strconv"
	"strings"
	"time"
)

func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, needs("a whole number")
	}
	return n, nil
}

// units maps what a key's name ends with to the unit of a bare number.
var units = []struct {
	suffix, name string
	length       time.Duration
}{
	{".ms", "ms", time.Millisecond},
	{".millis", "ms", time.Millisecond},
	{".seconds", "s", time.Second},
	{".sec", "s", time.Second},
	{".minutes", "min", time.Minute},
	{".hours", "h", time.Hour},
}

func unitOf(name string) string {
	for _, u := range units {
		if strings.HasSuffix(name, u.suffix) {
			return u.name
		}
	}
	return ""
}

func unitLength(unit string) time.Duration {
	for _, u := range units {
		if u.name == unit {
			return u.length
		}
	}
	return 0
}

// durationParser reads 10s, 1h30m, 250ms, and bare numbers in the unit; "0" needs none. Durations are never
// negative.
func durationParser(unit string) func(string) (time.Duration, error) {
	bare := unitLength(unit)
	wrong := needs("a time with its unit, such as 500ms, 10s or 1h")
	if bare != 0 {
		wrong = needs("a time: a number of %s, or one with its unit, such as 500ms, 10s or 1h", unit)
	}
	return func(s string) (time.Duration, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case err == nil && n == 0:
			return 0, nil
		case err == nil && (bare == 0 || n < 0 || n > math.MaxInt64/int64(bare)):
			return 0, wrong
		case err == nil:
			return time.Duration(n) * bare, nil
		}
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return 0, wrong
		}
		return d, nil
	}
}

// formatDuration is how a duration is written under a key whose bare numbers have the unit: a bare number
// where one is exact, since that is what Debezium and Kafka read too.
func formatDuration(d time.Duration, unit string) string {
	if bare := unitLength(unit); bare != 0 && d%bare == 0 {
		return strconv.FormatInt(int64(d/bare), 10)
	}
	return d.String()
}

// sizes is ordered so that formatBytes meets the largest first.
var sizes = []struct {
	suffix string
	bytes  int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

func parseBytes(s string) (int64, error) {
	wrong := needs("a size in bytes, or one with its unit: 1048576, 512kB, 64MB, 32MiB or 1GiB")
	digits := strings.TrimRight(s, "kKMGTiBb")
	suffix := s[len(digits):]
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n < 0 {
		return 0, wrong
	}
	if suffix == "" {
		return n, nil
	}
	for _, u := range sizes {
		if !strings.EqualFold(u.suffix, suffix) {
			continue
		}
		if n > math.MaxInt64/u.bytes {
			return 0, needs("a size below 8 EiB")
		}
		return n * u.bytes, nil
	}
	return 0, wrong
}

func formatBytes(n int64) string {
	for _, u := range sizes[:4] {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}
