package postgres

import (
	"rdip/readers/postgres/types"
	"rdip/schema"
)

// querier is a session with the pinned settings, as far as queries go.
type querier = types.Querier

// relationColumn is a column as a Relation message of the log describes it.
type relationColumn struct {
	Key  bool // flagged as part of the replica identity; under FULL all are, so it is not the key (P9)
	Name string
	Type uint32 // pg_type.oid
	Mod  int32  // pg_attribute.atttypmod, -1 for none
}

// relation is a table as a Relation message of the log describes it.
type relation struct {
	OID      uint32
	Schema   string
	Name     string
	Identity byte // pg_class.relreplident: d, i, f, n
	Columns  []relationColumn
	behind   behind // what it lacks of the catalog
}

// table is a table as the catalog has it now.
type table struct {
	OID      uint32
	Schema   string
	Name     string
	Kind     byte // pg_class.relkind: r, or p for a partitioned table
	Identity byte // pg_class.relreplident: d, i, f, n
	// Unlogged tables are not in the log at all; they are listed so that this can be said.
	Unlogged bool
	// Partition: it is a partition of its only parent. Parents of other tables are legacy inheritance.
	Partition bool
	Parents   []uint32 // pg_inherits.inhparent, in order of inhseqno
	Pages     int64    // pg_class.relpages, an estimate: 0 where never analyzed, -1 for a partitioned table
	Tuples    float64  // pg_class.reltuples, an estimate: -1 where never analyzed
	Bytes     int64    // of the main fork: pages of ctid ranges; 0 for a partitioned table
	FileNode  uint32   // pg_class.relfilenode as the query's snapshot saw it (P69); 0 where it has none
	// RowSecurity: policies apply to the role that asks (P63).
	RowSecurity bool
	Columns     []column // what the log and the snapshot carry: neither dropped nor generated columns
	Generated   []string // names of the generated columns, which are captured from neither (P11)
	Virtual     bool     // one of them is virtual (18 and later)
	// LogsGenerated: the server can have stored generated columns in the log (18 and later).
	LogsGenerated bool
	PrimaryKey    []string // names in key order
	// IdentityIndex is the names of the columns of the index that REPLICA IDENTITY USING INDEX names.
	IdentityIndex []string
	// LeftOut says, a line each, which columns are in no record and why; for the log and for status.
	LeftOut []string
	// Losses are what is lost of columns' values, each with its column.
	Losses []types.Loss
}

// column is a column as the catalog has it now.
type column struct {
	Name     string
	Type     uint32
	Mod      int32
	NotNull  bool
	Default  string // pg_get_expr of the default, "" for none
	TypeName string // format_type, for people and for casts
	// Dimensions that an array was declared with (pg_attribute.attndims), which the server does not enforce.
	Dimensions int
}

// ID is schema.table, as schema.Table.ID gives it.
func (t *table) ID() string { return schema.TableID(t.Schema, t.Name) }

// Key is the names of the columns of the Kafka key, in key order: the index's under REPLICA IDENTITY USING
// INDEX, else the primary key's; empty for neither (P8).
func (t *table) Key() []string {
	if t.Identity == 'i' && len(t.IdentityIndex) > 0 {
		return t.IdentityIndex
	}
	return t.PrimaryKey
}

// OldRow says what the log carries of the old row. Without it UPDATE and DELETE fail on a published table
// (P6).
func (t *table) OldRow() schema.Before {
	switch {
	case t.Identity == 'f':
		return schema.BeforeFull
	case t.Identity == 'd' && len(t.PrimaryKey) > 0, t.Identity == 'i' && len(t.IdentityIndex) > 0:
		return schema.BeforeKey
	default:
		return schema.BeforeNothing
	}
}

// relation is the table as the log would describe it, so that the snapshot has the log's layout (G10).
func (t *table) relation() *relation {
	r := &relation{OID: t.OID, Schema: t.Schema, Name: t.Name, Identity: t.Identity, Columns: make([]relationColumn, len(t.Columns))}
	for i, c := range t.Columns {
		r.Columns[i] = relationColumn{Name: c.Name, Type: c.Type, Mod: c.Mod}
	}
	return r
}

// catalog answers what the server knows of tables and types. It is used by one goroutine.
type catalog struct {
	cfg    *Config
	q      querier
	filter *filter
	types  *types.Catalog
}

func newCatalog(cfg *Config, q querier) *catalog {
	return &catalog{cfg: cfg, q: q, filter: newFilter(cfg), types: types.NewCatalog(&cfg.Types, cfg.Debezium, q, cfg.moneyDigits)}
}
