package types

// Units of time in microseconds and days.
const (
	microsPerSecond = 1_000_000
	microsPerMinute = 60 * microsPerSecond
	microsPerHour   = 60 * microsPerMinute
	microsPerDay    = 24 * microsPerHour
)

// scanner reads the server's ISO date and time forms from the front. A step that does not find what it
// wants sets bad; the steps after it then do nothing of use, so that one look at done is enough.
type scanner struct {
	b   []byte
	bad bool
}

// done says whether every step succeeded and nothing is left.
func (s *scanner) done() bool { return !s.bad && len(s.b) == 0 }

// take consumes a byte where it is next.
func (s *scanner) take(c byte) bool {
	if len(s.b) == 0 || s.b[0] != c {
		return false
	}
	s.b = s.b[1:]
	return true
}

// want consumes a byte that must be next.
func (s *scanner) want(c byte) {
	if !s.take(c) {
		s.bad = true
	}
}

// number consumes between least and most digits.
func (s *scanner) number(least, most int) int64 {
	var n int64
	i := 0
	for i < len(s.b) && i < most && s.b[i] >= '0' && s.b[i] <= '9' {
		n = n*10 + int64(s.b[i]-'0')
		i++
	}
	if i < least {
		s.bad = true
	}
	s.b = s.b[i:]
	return n
}

// fraction consumes the digits of a fraction of a second, as microseconds.
func (s *scanner) fraction() int64 {
	before := len(s.b)
	n := s.number(1, 6)
	for digits := before - len(s.b); digits < 6; digits++ {
		n *= 10
	}
	return n
}

// clock consumes HH:MM:SS[.ffffff], up to 24:00:00, as microseconds.
func (s *scanner) clock() int64 {
	hours := s.number(2, 2)
	s.want(':')
	minutes := s.number(2, 2)
	s.want(':')
	seconds := s.number(2, 2)
	micros := hours*microsPerHour + minutes*microsPerMinute + seconds*microsPerSecond
	if s.take('.') {
		micros += s.fraction()
	}
	if minutes > 59 || seconds > 59 || micros > microsPerDay {
		s.bad = true
	}
	return micros
}

// zone consumes +HH[:MM[:SS]], as seconds east of UTC. Offsets with seconds are those of local mean times.
func (s *scanner) zone() int64 {
	sign := int64(1)
	if s.take('-') {
		sign = -1
	} else {
		s.want('+')
	}
	seconds := s.number(2, 2) * 3600
	if s.take(':') {
		seconds += s.number(2, 2) * 60
		if s.take(':') {
			seconds += s.number(2, 2)
		}
	}
	if seconds >= 24*3600 {
		s.bad = true
	}
	return sign * seconds
}

// civil is a date of the proleptic Gregorian calendar: 1 BC is year 0.
type civil struct{ year, month, day int64 }

// date consumes YYYY-MM-DD with four digits of the year or more. The era, where there is one, comes last in
// the text, behind time and zone.
func (s *scanner) date() civil {
	d := civil{year: s.number(4, 7)}
	s.want('-')
	d.month = s.number(2, 2)
	s.want('-')
	d.day = s.number(2, 2)
	return d
}

// era consumes " BC" and gives the days since 1970 of the date read before.
func (s *scanner) era(d civil) int64 {
	if d.year < 1 {
		s.bad = true
	}
	if s.take(' ') {
		s.want('B')
		s.want('C')
		d.year = 1 - d.year
	}
	if d.month < 1 || d.month > 12 || d.day < 1 || d.day > daysIn(d.year, d.month) {
		s.bad = true
		return 0
	}
	return d.days()
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// A cycle of the Gregorian calendar is 400 years; counted from 0000-03-01 leap days come last in a year.
const (
	daysPerCycle   = 146097
	daysBefore1970 = 719468 // from 0000-03-01
)

// days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
func (d civil) days() int64 {
	year := d.year
	if d.month <= 2 {
		year--
	}
	cycle := floorDiv(year, 400)
	yearOfCycle := year - cycle*400
	dayOfYear := (153*((d.month+9)%12)+2)/5 + d.day - 1
	dayOfCycle := yearOfCycle*365 + yearOfCycle/4 - yearOfCycle/100 + dayOfYear
	return cycle*daysPerCycle + dayOfCycle - daysBefore1970
}

// civilOf is the date so many days after 1970-01-01.
func civilOf(days int64) civil {
	days += daysBefore1970
	cycle := floorDiv(days, daysPerCycle)
	dayOfCycle := days - cycle*daysPerCycle
	yearOfCycle := (dayOfCycle - dayOfCycle/1460 + dayOfCycle/36524 - dayOfCycle/146096) / 365
	dayOfYear := dayOfCycle - (365*yearOfCycle + yearOfCycle/4 - yearOfCycle/100)
	shifted := (5*dayOfYear + 2) / 153
	d := civil{
		year:  yearOfCycle + cycle*400,
		month: (shifted+2)%12 + 1,
		day:   dayOfYear - (153*shifted+2)/5 + 1,
	}
	if d.month <= 2 {
		d.year++
	}
	return d
}
