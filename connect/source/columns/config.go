// Package columns is what of a source's rows is written: which columns, how they are disguised, what the key is of, and
// what the schema says of the source's types. Its keys are column.*, datatype.propagate.source.type, message.key.columns
// and skip.messages.without.change. It works on layouts, so that a row costs what its encoders cost.
package columns

import (
	"errors"
	"fmt"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

// Config is the keys as they are written. Define binds them; Check and Reshape are called once they are decoded.
type Config struct {
	include, exclude configs.Patterns
	masks, cuts      []configs.NamedPatterns
	salt             configs.Secret
	keys             string
	ofColumns        configs.Patterns
	ofTypes          configs.Patterns

	SkipUnchanged bool // skip.messages.without.change
}

// Define binds the keys to c and fills in the defaults.
func (c *Config) Define(d *configs.Definition) {
	d.Group("Columns and keys")
	d.Patterns(&c.include, "column.include.list", "Columns to capture: expressions that must match the whole of `schema.table.column`; all others are left out. A column of the key stays in the key, as Debezium has it, unless `message.key.columns` says otherwise. Not together with `column.exclude.list`.")
	d.Patterns(&c.exclude, "column.exclude.list", "Columns to leave out: expressions that must match the whole of `schema.table.column`. Not together with `column.include.list`.")
	d.PatternsBelow(&c.masks, "column.mask.", "Columns of text that are written as something else, so that what they hold never reaches Kafka. `column.mask.with.N.chars`: as N asterisks, NULL too. `column.mask.hash.v2.ALGORITHM.with.salt.SALT`: as the hexadecimal digest of salt and text, cut to the column's length; `column.mask.hash.ALGORITHM.with.salt.SALT`: the same over Java's serialized form, Debezium's first version. Algorithms are `SHA-256`, `SHA-512`, `SHA3-256`, `MD5` and the like. The salt is a secret and never prints; `column.mask.hash.v2.ALGORITHM` without it takes `column.mask.salt`. The value is a list of expressions as for `column.include.list`.")
	d.Secret(&c.salt, "column.mask.salt", "Salt of the hashes whose keys name none.")
	d.PatternsBelow(&c.cuts, "column.truncate.", "`column.truncate.to.N.chars`: columns of text that are cut after N characters, and columns of bytes after N bytes. Characters are Java's, UTF-16 units; one of two is never written by half. The value is a list of expressions as for `column.include.list`.")
	d.Patterns(&c.ofColumns, "column.propagate.source.type", "Columns whose schema has the type at the source as parameters (`__debezium.source.column.type`, `.length`, `.scale`, `.name`): expressions that must match the whole of `schema.table.column`.")
	d.Patterns(&c.ofTypes, "datatype.propagate.source.type", "The same by type: expressions that must match the whole of `schema.table.type`, such as `.*\\.varchar`.")
	d.String(&c.keys, "message.key.columns", "Columns of the Kafka key where it is not the table's: `schema.table:column,column`, several separated by semicolons, tables as expressions. Order in Kafka is by this key. The log must carry the old values of these columns: `REPLICA IDENTITY FULL`, or an identity that has them.",
		configs.Check(checkKeyColumns))
	d.Bool(&c.SkipUnchanged, "skip.messages.without.change", "Whether an update is left out that changes no captured column. It needs REPLICA IDENTITY FULL; of other tables every update is written.", configs.Default("false"))
}

// Check reports what no key shows by itself.
func (c *Config) Check(where func(key string) string) fault.Findings {
	var out fault.Findings
	add := func(key, seen, need, fix string) {
		out = append(out, fault.Finding{Kind: fault.Configuration, Where: where(key), Seen: seen, Need: need, Fix: fix})
	}
	if !c.include.IsEmpty() && !c.exclude.IsEmpty() {
		add("column.exclude.list", "column.include.list is given too, and would make it moot", "one of the two lists", "remove column.exclude.list")
	}
	for _, m := range c.masks {
		if _, err := c.maskRule(m); errors.Is(err, errNoSalt) {
			add(m.Key, err.Error(), "a salt", `add a line "column.mask.salt: ${file:PATH}"`)
		} else if err != nil {
			add(m.Key, err.Error(), "column.mask.with.N.chars, or column.mask.hash.v2.SHA-256.with.salt.SALT", "rename the key")
		}
	}
	for _, m := range c.cuts {
		if _, err := cutRule(m); err != nil {
			add(m.Key, err.Error(), "column.truncate.to.N.chars", "rename the key")
		}
	}
	return out
}

// Reshape is the configured change of rows, nil for none. The configuration was checked.
func (c *Config) Reshape(debezium bool) *Reshape {
	r := &Reshape{debezium: debezium, include: c.include, exclude: c.exclude, ofColumns: c.ofColumns, ofTypes: c.ofTypes}
	for _, m := range c.cuts {
		if rule, err := cutRule(m); err == nil {
			r.rules = append(r.rules, rule)
		}
	}
	for _, m := range c.masks {
		if rule, err := c.maskRule(m); err == nil {
			r.rules = append(r.rules, rule)
		}
	}
	r.keys, _ = parseKeyColumns(c.keys)
	if r.isEmpty() {
		return nil
	}
	return r
}

// keyRule is one part of message.key.columns.
type keyRule struct {
	text    string
	columns []configs.Patterns // one a column, each of schema.table.column
}

func checkKeyColumns(text string) error {
	_, err := parseKeyColumns(text)
	return err
}

// parseKeyColumns reads Debezium's form (Key.CustomKeyMapper): TABLE:COLUMN,COLUMN;TABLE:COLUMN.
func parseKeyColumns(text string) ([]keyRule, error) {
	var rules []keyRule
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for _, part := range strings.Split(strings.TrimRight(text, "; "), ";") { // Java's split drops what is empty at the end
		table, columns, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok || table == "" || columns == "" || strings.Contains(columns, ":") {
			return nil, fmt.Errorf("tables and columns as in public.orders:region,id;public.notes:id, and %q is not", part)
		}
		rule := keyRule{text: part}
		for _, column := range strings.Split(columns, ",") {
			p, err := configs.ParsePatterns(table + "." + strings.TrimSpace(column))
			if err != nil || strings.TrimSpace(column) == "" {
				return nil, fmt.Errorf("tables as expressions in RE2's syntax, each with its columns, and %q is not", part)
			}
			rule.columns = append(rule.columns, p)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}
