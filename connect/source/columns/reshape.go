package columns

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rdip/configs"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/schema"
)

// Reshape is what the configuration changes of a reader's rows before they are records: columns left out or
// disguised, another key, parameters in the schema. It works on layouts; rows keep their columns, and a row
// costs only what its encoders do. It is immutable and may be used concurrently.
type Reshape struct {
	debezium         bool
	include, exclude configs.Patterns
	rules            []rule
	ofColumns        configs.Patterns // propagate the source's type
	ofTypes          configs.Patterns
	keys             []keyRule
}

func (r *Reshape) isEmpty() bool {
	return r.include.IsEmpty() && r.exclude.IsEmpty() && len(r.rules) == 0 && r.ofColumns.IsEmpty() && r.ofTypes.IsEmpty() && len(r.keys) == 0
}

// Layout is a reader's layout as records show it. It serves one goroutine, and the reader's own is not changed.
// The error joins permanent fault.Errors, one for each column that cannot be as it is asked for. A nil Reshape changes
// nothing.
func (r *Reshape) Layout(l *envelope.Layout) (*envelope.Layout, error) {
	if r == nil {
		return l, nil
	}
	out, t := *l, *l.Table
	t.Columns, out.Columns = slices.Clone(t.Columns), slices.Clone(out.Columns)
	out.Table = &t
	if err := r.chooseKey(&t); err != nil {
		return nil, err
	}
	keyColumns, keyEncoders := make([]schema.Column, len(t.Key)), make([]envelope.ColumnEncoder, len(t.Key))
	differs := false
	var refused []error
	for i := range t.Columns {
		changed, err := r.column(&out, i)
		if k := slices.Index(t.Key, i); k >= 0 && err == nil {
			keyColumns[k] = l.Table.Columns[i]
			keyEncoders[k], err = r.keyColumn(l.Table, &keyColumns[k], l.Columns[i])
			differs = differs || changed
		}
		if err != nil {
			refused = append(refused, err)
		}
	}
	if err := errors.Join(refused...); err != nil {
		return nil, err
	}
	if differs {
		t.KeyColumns, out.KeyColumns = keyColumns, keyEncoders
	}
	return &out, nil
}

// Table is a table as its records show it, for checks that need no rows. A nil Reshape changes nothing.
func (r *Reshape) Table(t *schema.Table) (*schema.Table, error) {
	l, err := r.Layout(&envelope.Layout{Table: t, Columns: make([]envelope.ColumnEncoder, len(t.Columns))})
	if err != nil {
		return nil, err
	}
	return l.Table, nil
}

// column reshapes one column of the row, and says whether anything changed.
func (r *Reshape) column(l *envelope.Layout, i int) (bool, error) {
	t := l.Table
	c := &t.Columns[i]
	name := columnName(t, c)
	if c.Omitted {
		return false, nil
	}
	if !r.chosen(name) {
		c.Omitted = true
		return true, nil
	}
	found, err := r.ruleOf(t, c)
	if err != nil {
		return false, err
	}
	propagated := r.propagates(t, c)
	if found == nil && !propagated {
		return false, nil
	}
	source := *c
	c.Type.Params = slices.Clone(c.Type.Params)
	if found != nil {
		l.Columns[i] = found.apply(c, l.Columns[i], r.debezium)
		c.Type.Params = append(c.Type.Params, found.params(c)...)
	}
	// Debezium applies one mapper a column; a mask by hash would even be lost to this one.
	if propagated && (found == nil || !r.debezium) {
		c.Type.Params = append(c.Type.Params, sourceParams(&source)...)
	}
	return true, nil
}

// keyColumn reshapes a column as a field of the key. A key has to tell rows apart, so a disguise that makes
// values alike is refused there; Debezium writes keys undisguised.
func (r *Reshape) keyColumn(t *schema.Table, c *schema.Column, encode envelope.ColumnEncoder) (envelope.ColumnEncoder, error) {
	found, err := r.ruleOf(t, c)
	if err != nil || found == nil || r.debezium {
		return encode, err
	}
	const leastDigits = 32 // 128 bits: no two values of a table are alike
	if found.kind != digested || c.Length > 0 && c.Length < leastDigits {
		return nil, &fault.Error{Kind: fault.Configuration, Op: "capture", Object: "column " + columnName(t, c), Permanent: true,
			Cause: fmt.Errorf("it is in the table's key, and %s would make the keys of different rows alike", found.key),
			Hint:  "mask it with column.mask.hash.v2.SHA-256.with.salt.SALT (a column of at least 32 characters), or choose another key with message.key.columns"}
	}
	return found.apply(c, encode, r.debezium), nil
}

// chosen says whether a column's values are captured.
func (r *Reshape) chosen(name string) bool {
	if !r.include.IsEmpty() {
		return r.include.Match(name)
	}
	return !r.exclude.Match(name)
}

// Hides says whether a column, as schema.table.column, may not be told otherwise than its records have it. It is nil where
// no column is left out, masked, hashed or cut.
func (r *Reshape) Hides() func(column string) bool {
	if r == nil || r.include.IsEmpty() && r.exclude.IsEmpty() && len(r.rules) == 0 {
		return nil
	}
	return func(column string) bool {
		return !r.chosen(column) || slices.ContainsFunc(r.rules, func(rule rule) bool { return rule.columns.Match(column) })
	}
}

// Hidden says which columns of a table may not leave otherwise than its records have them: those left out, masked,
// hashed or cut, in the key too.
func (r *Reshape) Hidden(t *schema.Table) []bool {
	hidden, hides := make([]bool, len(t.Columns)), r.Hides()
	for i := range t.Columns {
		c := &t.Columns[i]
		hidden[i] = c.Omitted || hides != nil && hides(columnName(t, c))
	}
	return hidden
}

// ruleOf is the disguise of a column, nil for none. Two would leave open which one hides enough.
func (r *Reshape) ruleOf(t *schema.Table, c *schema.Column) (*rule, error) {
	var found *rule
	name := columnName(t, c)
	for i := range r.rules {
		if !r.rules[i].columns.Match(name) {
			continue
		}
		if found != nil {
			return nil, &fault.Error{Kind: fault.Configuration, Op: "capture", Object: "column " + name, Permanent: true,
				Cause: fmt.Errorf("both %s and %s match it", found.key, r.rules[i].key), Hint: "narrow the expressions of one of the two"}
		}
		found = &r.rules[i]
	}
	if found != nil && !found.fits(&c.Type) {
		return nil, &fault.Error{Kind: fault.Configuration, Op: "capture", Object: "column " + name, Permanent: true,
			Cause: fmt.Errorf("%s matches it, and it is %s, which is no text", found.key, orUnknown(c.SourceType)),
			Hint:  "leave it out with column.exclude.list, or narrow the expression"}
	}
	return found, nil
}

func orUnknown(typ string) string {
	if typ == "" {
		return "of another type"
	}
	return typ
}

func (r *Reshape) propagates(t *schema.Table, c *schema.Column) bool {
	return r.ofColumns.Match(columnName(t, c)) || c.TypeName != "" && r.ofTypes.Match(tableName(t)+"."+c.TypeName)
}

// sourceParams are what Debezium's PropagateSourceMetadataToSchemaParameter adds.
func sourceParams(c *schema.Column) []schema.Param {
	const of = "__debezium.source.column."
	params := []schema.Param{{Key: of + "type", Value: strings.ToUpper(c.TypeName)}}
	if c.Length >= 0 {
		params = append(params, schema.Param{Key: of + "length", Value: strconv.Itoa(c.Length)})
	}
	if c.Scale >= 0 {
		params = append(params, schema.Param{Key: of + "scale", Value: strconv.Itoa(c.Scale)})
	}
	return append(params, schema.Param{Key: of + "name", Value: c.Name})
}

// tableName is what expressions match: the names as they are, as Debezium's TableId spells them.
func tableName(t *schema.Table) string {
	if t.Schema == "" {
		return t.Database + "." + t.Name
	}
	return t.Schema + "." + t.Name
}

func columnName(t *schema.Table, c *schema.Column) string { return tableName(t) + "." + c.Name }
