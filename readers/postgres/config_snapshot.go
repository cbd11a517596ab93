package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

// SnapshotMode is whether tables are copied before the stream begins.
type SnapshotMode string

// The modes of snapshot.mode.
const (
	SnapshotInitial    SnapshotMode = "initial"
	SnapshotOnly       SnapshotMode = "initial_only"
	SnapshotNone       SnapshotMode = "no_data"
	SnapshotAlways     SnapshotMode = "always"
	SnapshotWhenNeeded SnapshotMode = "when_needed"
	SnapshotRecovery   SnapshotMode = "recovery"
)

// SnapshotOrder is whether tables are copied in the order of their sizes.
type SnapshotOrder string

// The orders of snapshot.tables.order.by.row.count.
const (
	OrderDisabled   SnapshotOrder = "disabled"
	OrderAscending  SnapshotOrder = "ascending"
	OrderDescending SnapshotOrder = "descending"
)

func (c *Config) defineSnapshot(d *configs.Definition) {
	d.Group("Snapshot")
	configs.Enum(d, &c.SnapshotMode, "snapshot.mode", "Which tables are copied, and when.", snapshotModes(), configs.Default(string(SnapshotInitial)), configs.Rank(configs.High))
	d.Int(&c.SnapshotThreads, "snapshot.max.threads", "How many connections read the snapshot at once.", configs.Default("2"), configs.Between("1", "64"))
	d.Int(&c.SnapshotThreadsPerTable, "snapshot.max.threads.per.table", "How many of them read one table at once; 0 for all of them.", configs.Default("0"), configs.Between("0", "64"), configs.Rank(configs.Low))
	d.Bytes(&c.SnapshotChunkBytes, "snapshot.chunk.bytes", "Size on disk of the parts into which large tables are cut.", configs.Default("64MiB"), configs.Between("64KiB", ""), configs.Rank(configs.Low))
	d.Bytes(&c.WindowChunkBytes, "incremental.snapshot.chunk.bytes", "Size on disk of the parts into which tables are cut that are read while the log is streamed: those added later, asked for by hand, or rewritten since the snapshot began.", configs.Default("8MiB"), configs.Between("64KiB", ""), configs.Rank(configs.Low))
	d.Bytes(&c.WindowBytes, "incremental.snapshot.window.bytes", "How many bytes of rows are held at once while the log is streamed: a part whose rows take more is read in several windows. 0 is 4 MiB, or an eighth of the connector's memory where that is less.", configs.Default("0"), configs.Between("0", "1GiB"), configs.Rank(configs.Low))
	d.Duration(&c.SnapshotLockTimeout, "snapshot.lock.timeout.ms", "How long a table's lock is waited for, to look at it or to read it; then it is told, and tried again. 0 for ever.", configs.Default("10s"), configs.Between("0ms", ""), configs.Rank(configs.Low))
	d.Duration(&c.SnapshotDelay, "snapshot.delay.ms", "How long a first start waits before it takes the snapshot.", configs.Default("0ms"), configs.Between("0ms", ""), configs.Rank(configs.Low))
	d.Duration(&c.StreamingDelay, "streaming.delay.ms", "How long the stream waits to begin after a first snapshot.", configs.Default("0ms"), configs.Between("0ms", ""), configs.Rank(configs.Low))
	d.Patterns(&c.SnapshotInclude, "snapshot.include.collection.list", "Captured tables to copy, in this order: expressions that must match the whole of `schema.table`. The others count as read; they can be asked for by hand.")
	configs.Enum(d, &c.SnapshotOrder, "snapshot.tables.order.by.row.count", "In which order tables are copied to which `snapshot.priority` gives the same number: as the lists name them, or by their estimated number of rows.", snapshotOrders(), configs.Default(string(OrderDisabled)), configs.Rank(configs.Low))
	d.Prefix(&c.SnapshotPriority, "snapshot.priority.", "Which tables are copied first: a whole number for those whose `schema.table` the expression behind the prefix matches whole, the higher first, such as `snapshot.priority.public.orders: 10`. Tables without one have 0.", configs.Rank(configs.Low))
	d.List(&c.SnapshotOverrides, "snapshot.select.statement.overrides", "Tables, as `schema.table`, that are copied by a statement of `snapshot.select.statement.overrides.<schema.table>`.")
	d.Prefix(&c.SnapshotStatements, "snapshot.select.statement.overrides.", "The SELECT whose rows are the snapshot of one table, such as `snapshot.select.statement.overrides.public.orders: SELECT * FROM public.orders WHERE NOT deleted`. It must have every column of the table by its name; schemas are named, since search_path is pg_catalog.")
}

func snapshotModes() []configs.Choice {
	return []configs.Choice{
		{Value: string(SnapshotInitial), Doc: "on the first start, then the stream"},
		{Value: string(SnapshotOnly), Doc: "on the first start, and then the connector ends well"},
		{Value: string(SnapshotNone), Doc: "never; the stream begins where the slot was made", Aliases: []string{"schema_only", "never"}},
		{Value: string(SnapshotAlways), Doc: "on every start: the first as `initial`, later ones while the log is streamed"},
		{Value: string(SnapshotWhenNeeded), Doc: "as `initial`, and again when the slot or the stored position is lost: a new slot is made, and changes in the gap that left no row behind, such as deletes, are not told"},
		{Value: string(SnapshotRecovery), Doc: "never; the stream goes on from the stored position, and without one the connector does not start", Aliases: []string{"schema_only_recovery"}},
		{Value: "configuration_based", Refused: "what it would do is asked for by name", Instead: "snapshot.mode: initial, no_data or always"},
		{Value: "custom", Refused: "custom modes are Java classes", Instead: "snapshot.mode: initial"},
	}
}

func snapshotOrders() []configs.Choice {
	return []configs.Choice{
		{Value: string(OrderDisabled), Doc: "as `snapshot.include.collection.list` names them, or without one `table.include.list`; then as their names"},
		{Value: string(OrderAscending), Doc: "the smallest first"},
		{Value: string(OrderDescending), Doc: "the largest first"},
	}
}

// checkSnapshot reports statements without a table, tables without a statement, and priorities that are none.
func (c *Config) checkSnapshot(where func(key string) string) fault.Findings {
	var out fault.Findings
	add := func(key, seen, need, fix string) {
		out = append(out, fault.Finding{Kind: fault.Configuration, Where: where(key), Seen: seen, Need: need, Fix: fix})
	}
	const list = "snapshot.select.statement.overrides"
	for _, table := range c.SnapshotOverrides {
		if strings.TrimSpace(c.SnapshotStatements[table]) == "" {
			add(list, "no statement is given for "+table, "a statement for each table in the list", list+"."+table+": SELECT ...")
		}
	}
	for _, table := range slices.Sorted(maps.Keys(c.SnapshotStatements)) {
		if !slices.Contains(c.SnapshotOverrides, table) {
			add(list+"."+table, "the table is not in "+list, "each table with a statement in that list, as Debezium has it", list+": "+strings.Join(append(slices.Clone(c.SnapshotOverrides), table), ","))
		}
	}
	for _, expression := range slices.Sorted(maps.Keys(c.SnapshotPriority)) {
		key := "snapshot.priority." + expression
		if _, err := strconv.Atoi(strings.TrimSpace(c.SnapshotPriority[expression])); err != nil {
			add(key, fmt.Sprintf("%q", c.SnapshotPriority[expression]), "a whole number", key+": 10")
		}
		if _, err := configs.ParsePatterns(expression); err != nil {
			add(key, err.Error(), "an expression that matches schema.table", `snapshot.priority.public\.orders: 10`)
		}
	}
	return out
}

// priorities are the numbers of snapshot.priority with their expressions, the highest first.
type priorities []priority

type priority struct {
	tables configs.Patterns
	number int
}

func (c *Config) priorities() priorities {
	var all priorities
	for expression, text := range c.SnapshotPriority {
		tables, err := configs.ParsePatterns(expression)
		number, bad := strconv.Atoi(strings.TrimSpace(text))
		if err == nil && bad == nil { // Check reports the others
			all = append(all, priority{tables, number})
		}
	}
	slices.SortFunc(all, func(a, b priority) int { return b.number - a.number })
	return all
}

// of is the highest number whose expression matches the table, 0 where none does.
func (p priorities) of(table string) int {
	for _, one := range p {
		if one.tables.Match(table) {
			return one.number
		}
	}
	return 0
}
