package types

import (
	"github.com/jackc/pgx/v5/pgtype"

	"rdip/envelope"
	"rdip/schema"
)

// timePrecision is the digits of a second that a modifier gives; six where it gives none.
func timePrecision(mod int32) int {
	if mod < 0 || mod > 6 {
		return 6
	}
	return int(mod)
}

func (m *modes) timeForm(oid uint32, mod int32) (Form, bool) {
	f := Form{defaults: true}
	switch oid {
	case pgtype.DateOID:
		f.Type, f.Encode = m.dateType()
		f.zero, f.generated = "1970-01-01", "1970-01-01"
	case pgtype.TimeOID:
		f.Type, f.Encode = m.timeType(timePrecision(mod))
		f.zero, f.generated = "00:00:00", "00:00:00"
	case pgtype.TimestampOID:
		f.Type, f.Encode = m.timestampType(timePrecision(mod))
		f.zero, f.generated = "1970-01-01 00:00:00", "1970-01-01 00:00:00"
	case pgtype.TimestamptzOID:
		f.Type, f.Encode = schema.Named(schema.String, zonedTimestampName), zonedTimestampEncoder(timePrecision(mod))
		f.generated = "1970-01-01 00:00:00+00"
	case pgtype.TimetzOID:
		f.Type, f.Encode, f.defaults = schema.Named(schema.String, zonedTimeName), encodeZonedTime, false
		f.zero = "00:00:00+00"
	case pgtype.IntervalOID:
		f.Type, f.Encode = m.intervalType()
		f.zero, f.generated = "00:00:00", "00:00:00"
	default:
		return Form{}, false
	}
	return f, true
}

func (m *modes) dateType() (schema.Type, envelope.ColumnEncoder) {
	switch m.Time {
	case TimeISOString:
		return schema.Named(schema.String, "io.debezium.time.IsoDate"), encodeISODate
	case TimeConnect:
		return schema.Named(schema.Int, schema.ConnectDateName), encodeDate
	default:
		return schema.Named(schema.Int, "io.debezium.time.Date"), encodeDate
	}
}

func (m *modes) timeType(precision int) (schema.Type, envelope.ColumnEncoder) {
	switch {
	case m.Time == TimeISOString:
		return schema.Named(schema.String, "io.debezium.time.IsoTime"), encodeISOTime
	case m.Time == TimeConnect:
		return schema.Named(schema.Int, schema.ConnectTimeName), timeEncoder(1000)
	case m.Time == TimeNanoseconds:
		return schema.Named(schema.Long, "io.debezium.time.NanoTime"), encodeNanoTime
	case m.adaptive() && m.Time != TimeAdaptiveMicroseconds && precision <= 3:
		return schema.Named(schema.Int, "io.debezium.time.Time"), timeEncoder(1000)
	default:
		return schema.Named(schema.Long, "io.debezium.time.MicroTime"), timeEncoder(1)
	}
}

func (m *modes) timestampType(precision int) (schema.Type, envelope.ColumnEncoder) {
	switch {
	case m.Time == TimeISOString:
		return schema.Named(schema.String, "io.debezium.time.IsoTimestamp"), encodeISOTimestamp
	case m.Time == TimeConnect:
		return schema.Named(schema.Long, schema.ConnectTimestampName), timestampEncoder(1000)
	case m.Time == TimeNanoseconds:
		return schema.Named(schema.Long, "io.debezium.time.NanoTimestamp"), encodeNanoTimestamp
	case m.adaptive() && precision <= 3:
		return schema.Named(schema.Long, "io.debezium.time.Timestamp"), timestampEncoder(1000)
	default:
		return schema.Named(schema.Long, "io.debezium.time.MicroTimestamp"), timestampEncoder(1)
	}
}

// adaptive says whether the column's precision chooses the unit of a timestamp.
func (m *modes) adaptive() bool {
	return m.Time != TimeMicroseconds
}

func (m *modes) intervalType() (schema.Type, envelope.ColumnEncoder) {
	if m.Interval == IntervalString {
		return schema.Named(schema.String, "io.debezium.time.Interval"), encodeISOInterval
	}
	return schema.Named(schema.Long, "io.debezium.time.MicroDuration"), intervalEncoder(m.debezium)
}
