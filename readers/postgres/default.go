package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
	"rdip/schema"
)

// defaultValue is the Avro binary of a column's default, nil where it has none that Debezium registers: types
// outside its list, NULL, and what is not a constant. Under compatibility: debezium, a default that is a
// function call is registered as the type's zero.
func (c *catalog) defaultValue(ctx context.Context, col *column, f *form) ([]byte, error) {
	if !f.defaults || col.Default == "" {
		return nil, nil
	}
	if !isConstant(col.Default) {
		return c.generatedDefault(col, f), nil
	}
	text, err := c.evaluate(ctx, col)
	if err != nil || text == nil {
		return nil, err
	}
	value, err := f.encode([]byte{}, text)
	if err != nil {
		return nil, nil //nolint:nilerr // a default that Avro cannot hold, such as NaN, is none; a value like it stops the table
	}
	return value, nil
}

// functionCall is PostgresDefaultValueConverter.FUNCTION_DEFAULT_PATTERN, beside its CURRENT_DATE_TIMES.
var functionCall = regexp.MustCompile(`(?i)^(?:[(]?[a-z0-9_.]+\((?:.+(?:, ?.+)*)?\)|current_(?:timestamp|time|date)$|local(?:time|timestamp)$)`)

func (c *catalog) generatedDefault(col *column, f *form) []byte {
	if !c.cfg.Debezium || f.typ.Name == schema.EnumName || !functionCall.MatchString(col.Default) {
		return nil
	}
	value, err := f.encode([]byte{}, []byte(f.generated))
	if err != nil {
		return nil
	}
	return value
}

// evaluate lets the server turn a constant into the text of the column's type, through its output function,
// as a row would have it. It is nil for NULL. The expression is the server's own (pg_get_expr) and was seen
// to be a literal; nothing of a user's is run.
func (c *catalog) evaluate(ctx context.Context, col *column) ([]byte, error) {
	sql := "SELECT CAST((" + col.Default + ") AS " + col.TypeName + ")"
	rows, err := c.q.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, &fault.Error{Op: "evaluate default", Object: "column " + strconv.Quote(col.Name), Cause: err}
	}
	defer rows.Close()
	var text []byte
	for rows.Next() {
		text = bytes.Clone(rows.RawValues()[0])
	}
	if err := rows.Err(); err != nil {
		return nil, &fault.Error{Op: "evaluate default", Object: "column " + strconv.Quote(col.Name), Cause: err}
	}
	return text, nil
}

// isConstant says whether an expression of pg_get_expr's is a literal: a number, true, false, NULL, or a
// quoted string, with a sign, parentheses and casts around it. Function calls, operators, names and
// subscripts are not; nor is a text that is cast to another type when the row is made ('now'::text::date),
// which means something else each time.
func isConstant(expression string) bool {
	l := literal{rest: strings.TrimSpace(expression)}
	return l.expression() && l.rest == "" && l.castsAreFixed()
}

// literal is a literal being read from the front of rest.
type literal struct {
	rest  string
	casts []string
}

// castsAreFixed: one cast of a literal was done when the table was made; several are only between strings.
func (l *literal) castsAreFixed() bool {
	for _, cast := range l.casts {
		switch strings.TrimRight(cast, "(0123456789)") {
		case "text", "character varying", "bpchar", "character":
		default:
			return len(l.casts) == 1
		}
	}
	return true
}

// expression consumes an operand and its casts.
func (l *literal) expression() bool {
	ok := false
	switch {
	case strings.HasPrefix(l.rest, "("):
		l.rest = l.rest[1:]
		if !l.expression() || !strings.HasPrefix(l.rest, ")") {
			return false
		}
		l.rest = l.rest[1:]
	case strings.HasPrefix(l.rest, "-"):
		if l.rest, ok = numberLiteral(l.rest[1:]); !ok {
			return false
		}
	default:
		if l.rest, ok = operand(l.rest); !ok {
			return false
		}
	}
	for strings.HasPrefix(l.rest, "::") {
		from := l.rest[2:]
		if l.rest, ok = typeName(from); !ok {
			return false
		}
		l.casts = append(l.casts, from[:len(from)-len(l.rest)])
	}
	return true
}

// operand consumes a literal without casts.
func operand(s string) (rest string, ok bool) {
	for _, word := range []string{"true", "false", "NULL"} {
		if after, found := strings.CutPrefix(s, word); found && (after == "" || after[0] == ':' || after[0] == ')') {
			return after, true
		}
	}
	switch {
	case strings.HasPrefix(s, "B'"), strings.HasPrefix(s, "E'"):
		return quoted(s[1:], '\'', s[0] == 'E')
	case strings.HasPrefix(s, "'"):
		return quoted(s, '\'', false)
	default:
		return numberLiteral(s)
	}
}

var numeral = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?`)

func numberLiteral(s string) (rest string, ok bool) {
	n := len(numeral.FindString(s))
	return s[n:], n > 0
}

// quoted consumes a string in quotes, in which a quote is doubled, and in an E string escaped as well.
func quoted(s string, quote byte, escapes bool) (rest string, ok bool) {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return s[i+1:], true
		}
	}
	return "", false
}

// typeWords are the spellings of format_type that are more than one word.
var typeWords = regexp.MustCompile(`^(?:character varying|bit varying|double precision|interval(?: (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?)?|time(?:stamp)?(?:\([0-9]\))? with(?:out)? time zone|[\pL_][\pL\pN_$]*)(?:\([-0-9, ]+\))?(?:\[\])*`)

// typeName consumes a type as format_type writes it.
func typeName(s string) (rest string, ok bool) {
	for {
		if strings.HasPrefix(s, `"`) {
			if s, ok = quoted(s, '"', false); !ok {
				return s, false
			}
		} else {
			n := len(typeWords.FindString(s))
			if n == 0 {
				return s, false
			}
			s = s[n:]
		}
		if !strings.HasPrefix(s, ".") {
			break
		}
		s = s[1:]
	}
	return s[len(typeModifier.FindString(s)):], true
}

// typeModifier follows a quoted name.
var typeModifier = regexp.MustCompile(`^(?:\([-0-9, ]+\))?(?:\[\])*`)

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
