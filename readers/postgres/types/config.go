package types

import (
	"encoding/hex"
	"errors"
	"strings"

	"rdip/configs"
)

// Config is how values are written where there is a choice. The zero value is Debezium's defaults, but for
// MoneyFractionDigits, which Define sets.
type Config struct {
	Decimal  DecimalMode
	Time     TimeMode
	Binary   BinaryMode
	Interval IntervalMode
	Hstore   HstoreMode
	Array    ArrayMode
	// MoneyFractionDigits is the scale of money under DecimalPrecise.
	MoneyFractionDigits int
	// IncludeUnknown writes, under compatibility: debezium, what Debezium leaves out without it.
	IncludeUnknown bool
	// Placeholder is unavailable.value.placeholder as it is typed; "" is Debezium's default.
	Placeholder string
}

// DecimalMode is what numeric and money become.
type DecimalMode string

// The modes of decimal.handling.mode.
const (
	DecimalPrecise DecimalMode = "precise"
	DecimalDouble  DecimalMode = "double"
	DecimalString  DecimalMode = "string"
)

// TimeMode is what date, time and timestamp become.
type TimeMode string

// The modes of time.precision.mode.
const (
	TimeAdaptive             TimeMode = "adaptive"
	TimeAdaptiveMicroseconds TimeMode = "adaptive_time_microseconds"
	TimeConnect              TimeMode = "connect"
	TimeMicroseconds         TimeMode = "microseconds"
	TimeNanoseconds          TimeMode = "nanoseconds"
	TimeISOString            TimeMode = "isostring"
)

// BinaryMode is what bytea becomes.
type BinaryMode string

// The modes of binary.handling.mode.
const (
	BinaryBytes     BinaryMode = "bytes"
	BinaryBase64    BinaryMode = "base64"
	BinaryBase64URL BinaryMode = "base64-url-safe"
	BinaryHex       BinaryMode = "hex"
)

// IntervalMode is what interval becomes.
type IntervalMode string

// The modes of interval.handling.mode.
const (
	IntervalNumeric IntervalMode = "numeric"
	IntervalString  IntervalMode = "string"
)

// HstoreMode is what hstore becomes.
type HstoreMode string

// The modes of hstore.handling.mode.
const (
	HstoreJSON HstoreMode = "json"
	HstoreMap  HstoreMode = "map"
)

// ArrayMode is what arrays become.
type ArrayMode string

// The modes of array.handling.mode.
const (
	ArrayNested ArrayMode = "array"
	ArrayText   ArrayMode = "text"
)

// Define adds the keys about types.
func (c *Config) Define(d *configs.Definition) {
	d.Group("Types")
	configs.Enum(d, &c.Decimal, "decimal.handling.mode", "What numeric and money become.", []configs.Choice{
		{Value: string(DecimalPrecise), Doc: "exact, as Connect's Decimal, or VariableScaleDecimal without a scale; a NaN or an infinity stops its table"},
		{Value: string(DecimalDouble), Doc: "the nearest double; NaN and infinities hold"},
		{Value: string(DecimalString), Doc: "the server's digits as text; `NaN`, `Infinity` and `-Infinity` hold"},
	}, configs.Default(string(DecimalPrecise)))
	configs.Enum(d, &c.Time, "time.precision.mode", "What date, time and timestamp become; types with a time zone are texts in each mode.", []configs.Choice{
		{Value: string(TimeAdaptive), Doc: "days; milliseconds or microseconds, by the column's precision"},
		{Value: string(TimeAdaptiveMicroseconds), Doc: "the same, but microseconds for each time"},
		{Value: string(TimeConnect), Doc: "Connect's Date, Time and Timestamp, in milliseconds: what is below is cut"},
		{Value: string(TimeMicroseconds), Doc: "days, and microseconds whatever the precision"},
		{Value: string(TimeNanoseconds), Doc: "days, and nanoseconds; a timestamp outside 1677-09-22 to 2262-04-10 stops its table"},
		{Value: string(TimeISOString), Doc: "ISO 8601 as text; infinities hold"},
		{Value: "structured", Refused: "Debezium 3.6 does not have it", Instead: "time.precision.mode: isostring"},
	}, configs.Default(string(TimeAdaptive)))
	configs.Enum(d, &c.Binary, "binary.handling.mode", "What bytea becomes.", []configs.Choice{
		{Value: string(BinaryBytes), Doc: "bytes"},
		{Value: string(BinaryBase64), Doc: "base64, padded, as text"},
		{Value: string(BinaryBase64URL), Doc: "base64 of the URL alphabet, padded, as text"},
		{Value: string(BinaryHex), Doc: "lower-case hexadecimal digits as text"},
	}, configs.Default(string(BinaryBytes)))
	configs.Enum(d, &c.Interval, "interval.handling.mode", "What interval becomes.", []configs.Choice{
		{Value: string(IntervalNumeric), Doc: "microseconds; a month counts as 30.4375 days"},
		{Value: string(IntervalString), Doc: "ISO 8601 with each part as it is: `P1Y2M3DT4H5M6.78S`; exact"},
	}, configs.Default(string(IntervalNumeric)))
	configs.Enum(d, &c.Hstore, "hstore.handling.mode", "What hstore becomes.", []configs.Choice{
		{Value: string(HstoreJSON), Doc: "a JSON object as text"},
		{Value: string(HstoreMap), Doc: "a map of nullable texts"},
	}, configs.Default(string(HstoreJSON)))
	configs.Enum(d, &c.Array, "array.handling.mode", "What arrays become. Not one of Debezium's keys.", []configs.Choice{
		{Value: string(ArrayNested), Doc: "arrays, nested as deep as the column is declared; a value of other dimensions, or whose lower bounds are not 1, stops its table"},
		{Value: string(ArrayText), Doc: "the server's text, such as `{{1,2},{3,NULL}}` or `[0:1]={7,8}`, which holds every value"},
	}, configs.Default(string(ArrayNested)))
	d.Int(&c.MoneyFractionDigits, "money.fraction.digits", "Digits behind the point of money with `decimal.handling.mode: precise`; with fewer than amounts have in the database (two, or what its `lc_monetary` says), values are rounded half up, and a warning says so.", configs.Default("2"), configs.Between("0", "18"), configs.Rank(configs.Low))
	d.Bool(&c.IncludeUnknown, "include.unknown.datatypes", "Whether `compatibility: debezium` writes columns of types that Debezium has no form for, as their text's bytes in the form of `binary.handling.mode`. Without that compatibility they are always written, as text.", configs.Default("false"), configs.Rank(configs.Low))
	d.String(&c.Placeholder, "unavailable.value.placeholder", "What stands for a value that the log did not carry. `hex:` and hexadecimal digits give its bytes.", configs.Default(Unavailable), configs.Check(checkPlaceholder), configs.Rank(configs.Low))
}

// hexPlaceholder begins a placeholder that is given as bytes.
const hexPlaceholder = "hex:"

func checkPlaceholder(text string) error {
	if digits, ok := strings.CutPrefix(text, hexPlaceholder); ok {
		if b, err := hex.DecodeString(digits); err != nil || len(b) == 0 {
			return errors.New("an even number of hexadecimal digits behind hex:, and not none")
		}
		return nil
	}
	if text == "" {
		return errors.New("a text that no value of the tables has")
	}
	return nil
}
