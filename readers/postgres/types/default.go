package types

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
	"rdip/schema"
)

// Default is a column's DEFAULT clause.
type Default struct {
	Column     string // for messages
	Expression string // pg_get_expr
	TypeName   string // format_type
}

// Default is a column's default as Avro binary and as Avro's JSON, nil where it has none that Debezium registers:
// types outside its list, NULL, and what is not a constant. Under compatibility: debezium, a default that is a
// function call is registered as the type's zero.
func (c *Catalog) Default(ctx context.Context, d Default, f *Form) (value, asJSON []byte, err error) {
	if !f.defaults || d.Expression == "" {
		return nil, nil, nil
	}
	if value, err = c.defaultValue(ctx, d, f); err != nil {
		return nil, nil, err
	}
	if asJSON = defaultJSON(&f.Type, value); asJSON == nil {
		return nil, nil, nil
	}
	return value, asJSON, nil
}

func (c *Catalog) defaultValue(ctx context.Context, d Default, f *Form) ([]byte, error) {
	if !isConstant(d.Expression) {
		return c.generatedDefault(d, f), nil
	}
	text, err := c.evaluate(ctx, d)
	if err != nil || text == nil {
		return nil, err
	}
	value, err := f.Encode([]byte{}, text)
	if err != nil {
		return nil, nil //nolint:nilerr // a default that Avro cannot hold, such as NaN, is none; a value like it stops the table
	}
	return value, nil
}

// functionCall is PostgresDefaultValueConverter.FUNCTION_DEFAULT_PATTERN, beside its CURRENT_DATE_TIMES.
var functionCall = regexp.MustCompile(`(?i)^(?:[(]?[a-z0-9_.]+\((?:.+(?:, ?.+)*)?\)|current_(?:timestamp|time|date)$|local(?:time|timestamp)$)`)

func (c *Catalog) generatedDefault(d Default, f *Form) []byte {
	if !c.modes.debezium || f.Type.Name == schema.EnumName || !functionCall.MatchString(d.Expression) {
		return nil
	}
	value, err := f.Encode([]byte{}, []byte(f.generated))
	if err != nil {
		return nil
	}
	return value
}

// evaluate lets the server turn a constant into the text of the column's type, through its output function,
// as a row would have it. It is nil for NULL. The expression is the server's own (pg_get_expr) and was seen
// to be a literal; nothing of a user's is run.
func (c *Catalog) evaluate(ctx context.Context, d Default) ([]byte, error) {
	sql := "SELECT CAST((" + d.Expression + ") AS " + d.TypeName + ")"
	rows, err := c.q.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, &fault.Error{Op: "evaluate default", Object: "column " + strconv.Quote(d.Column), Cause: err}
	}
	defer rows.Close()
	var text []byte
	for rows.Next() {
		text = bytes.Clone(rows.RawValues()[0])
	}
	if err := rows.Err(); err != nil {
		return nil, &fault.Error{Op: "evaluate default", Object: "column " + strconv.Quote(d.Column), Cause: err}
	}
	return text, nil
}

// defaultJSON is a default as Avro's JSON, nil where there is none. Bytes are a string of as many characters.
func defaultJSON(t *schema.Type, value []byte) []byte {
	if value == nil {
		return nil
	}
	switch t.Kind {
	case schema.Boolean:
		return strconv.AppendBool(nil, value[0] == 1)
	case schema.Int, schema.Long:
		n, _ := binary.Varint(value)
		return strconv.AppendInt(nil, n, 10)
	case schema.Float:
		return floatJSON(float64(math.Float32frombits(binary.LittleEndian.Uint32(value))), 32)
	case schema.Double:
		return floatJSON(math.Float64frombits(binary.LittleEndian.Uint64(value)), 64)
	case schema.String:
		return quotedJSON(string(avroBytes(value)))
	case schema.Bytes:
		characters := make([]rune, 0, len(value))
		for _, b := range avroBytes(value) {
			characters = append(characters, rune(b))
		}
		return quotedJSON(string(characters))
	default:
		return nil
	}
}

// avroBytes is what follows the length of an Avro string or bytes.
func avroBytes(value []byte) []byte {
	_, n := binary.Varint(value)
	return value[n:]
}

// floatJSON is a number as Jackson writes a double, a point always in it. JSON has none for infinities.
func floatJSON(f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	b := strconv.AppendFloat(nil, f, 'g', -1, bits)
	if !bytes.ContainsAny(b, ".e") {
		b = append(b, ".0"...)
	}
	return b
}

// quotedJSON is a string without HTML's escapes.
func quotedJSON(s string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimRight(out.Bytes(), "\n")
}
