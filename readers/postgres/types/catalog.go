package types

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
)

// Querier is the part of *pgx.Conn that the catalog is read through. Its session has the connector's pinned settings.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Catalog answers what a server's types are and become. It remembers types, and is used by one goroutine.
type Catalog struct {
	q     Querier
	modes *modes
	known map[uint32]*Type
	// moneyDigits asks how many digits behind the point the database's amounts of money have: that depends on its
	// lc_monetary, and q's session has another. money is what it said.
	moneyDigits func(ctx context.Context) (int, error)
	money       *int
}

// NewCatalog asks through q, which stays the caller's, and through moneyDigits how many digits behind the point money has
// under the database's own lc_monetary. debezium is compatibility: debezium.
func NewCatalog(cfg *Config, debezium bool, q Querier, moneyDigits func(ctx context.Context) (int, error)) *Catalog {
	return &Catalog{q: q, modes: newModes(cfg, debezium), known: map[uint32]*Type{}, moneyDigits: moneyDigits}
}

// Type is a row of pg_type, as far as forms depend on it.
type Type struct {
	OID       uint32
	Schema    string
	Name      string
	Kind      byte   // pg_type.typtype: b, c, d, e, p, r, m
	Elem      uint32 // of a true array, else 0: int2vector and its like are not arrays on the wire
	Delimiter byte   // between the items of an array of these; of an array, its items' own
	Base      uint32 // of a domain
	BaseMod   int32
	// Dimensions that a domain's array was declared with (pg_type.typndims).
	Dimensions int
	Toastable  bool     // of variable length
	Extension  string   // the extension that it belongs to, "" for none
	Labels     []string // of an enum, in sort order
}

const typeSQL = `
SELECT n.nspname, t.typname, t.typtype::text,
       CASE WHEN t.typinput = 'pg_catalog.array_in'::pg_catalog.regproc THEN t.typelem ELSE 0 END,
       coalesce(e.typdelim, t.typdelim)::text, t.typbasetype, t.typtypmod, t.typndims, t.typlen = -1,
       coalesce((SELECT x.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
                 WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                   AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                   AND d.objid = t.oid AND d.deptype = 'e'), ''),
       ARRAY(SELECT l.enumlabel::text FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder)
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
WHERE t.oid = $1`

// firstNormalOID is FirstNormalObjectId of the server's transam.h: what is below it was made by initdb and
// never changes.
const firstNormalOID = 16384

// Lookup reads a type, live (P22). Nil is a type that the catalog does not have.
func (c *Catalog) Lookup(ctx context.Context, oid uint32) (*Type, error) {
	if t := c.known[oid]; t != nil {
		return t, nil
	}
	t := &Type{OID: oid}
	var kind, delimiter string
	err := c.q.QueryRow(ctx, typeSQL, oid).Scan(&t.Schema, &t.Name, &kind, &t.Elem, &delimiter, &t.Base, &t.BaseMod, &t.Dimensions, &t.Toastable, &t.Extension, &t.Labels)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, &fault.Error{Op: "read type", Object: "pg_type", Cause: err}
	}
	t.Kind, t.Delimiter = kind[0], delimiter[0]
	c.known[oid] = t
	return t, nil
}

// Forget makes types of users be looked up again: enums gain labels without a message in the log (P20).
func (c *Catalog) Forget() {
	for oid := range c.known {
		if oid >= firstNormalOID {
			delete(c.known, oid)
		}
	}
}
