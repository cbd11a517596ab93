package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
)

// privileges is what the role may do with a table.
type privileges struct {
	OID      uint32
	Schema   string
	Usage    bool // of its schema
	Select   bool
	Owner    bool // it may be put into a publication
	Security bool // row-level security would hide rows (P63)
}

const privilegesSQL = `
SELECT c.oid, n.nspname, has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'),
	pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1::oid[])`

func readPrivileges(ctx context.Context, q querier, tables []*table) (map[uint32]privileges, error) {
	oids := make([]uint32, len(tables))
	for i, t := range tables {
		oids[i] = t.OID
	}
	all := make(map[uint32]privileges, len(tables))
	_, err := gather(ctx, q, "read privileges", func(row pgx.CollectableRow) (struct{}, error) {
		var p privileges
		err := row.Scan(&p.OID, &p.Schema, &p.Usage, &p.Select, &p.Owner, &p.Security)
		all[p.OID] = p
		return struct{}{}, err
	}, privilegesSQL, oids)
	return all, err
}

// privilegeFindings are what the role lacks for reading the tables and for publishing them.
func (c *Config) privilegeFindings(ctx context.Context, q querier, s *server, want *captured, pub *publication) ([]fault.Finding, error) {
	leaves := want.leaves()
	can, err := readPrivileges(ctx, q, leaves)
	if err != nil {
		return nil, err
	}
	fs := c.readingFindings(s, leaves, can)
	more, err := c.publishingFindings(ctx, q, s, want, pub)
	return append(fs, more...), err
}

// readingFindings: the snapshot reads each table itself.
func (c *Config) readingFindings(s *server, leaves []*table, can map[uint32]privileges) []fault.Finding {
	if c.SnapshotMode == SnapshotNone {
		return nil
	}
	var fs []fault.Finding
	role := quoteIdentifier(s.Role)
	schemas := map[string]bool{}
	for _, t := range leaves {
		p := can[t.OID]
		if !p.Usage && !schemas[t.Schema] {
			schemas[t.Schema] = true
			fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "schema " + quoteIdentifier(t.Schema), Seen: "role " + role + " lacks USAGE",
				Need: "USAGE, for the snapshot", Fix: fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", quoteIdentifier(t.Schema), role)})
		}
		if !p.Select {
			fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "table " + t.ID(), Seen: "role " + role + " lacks SELECT",
				Need: "SELECT, for the snapshot", Fix: fmt.Sprintf("GRANT SELECT ON %s TO %s", quoteTable(t.Schema, t.Name), role)})
		}
		if p.Security {
			fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "table " + t.ID(), Seen: "row-level security hides rows from role " + role + ", while the log has them all",
				Need: "a role that sees every row", Fix: fmt.Sprintf("ALTER ROLE %s BYPASSRLS", role), Case: "P63"})
		}
	}
	return fs
}

// publishingFindings: a publication takes CREATE on the database and ownership of each table, all tables a
// superuser. They matter only where Open has something to make.
func (c *Config) publishingFindings(ctx context.Context, q querier, s *server, want *captured, pub *publication) ([]fault.Finding, error) {
	if s.Superuser || c.PublicationMode == PublicationDisabled || len(want.units) == 0 {
		return nil, nil
	}
	where := publicationObject(c.PublicationName)
	todo := want.published()
	if pub != nil {
		if !c.mends(pub) {
			return nil, nil // what it lacks is a finding of its own
		}
		todo = pub.missing(want)
	}
	byHand := func(sql string) string { return "as a superuser or the owner: " + sql }
	if pub == nil && c.PublicationMode == PublicationAllTables {
		return []fault.Finding{{Kind: fault.Preflight, Where: where, Seen: fmt.Sprintf("role %s is no superuser", quoteIdentifier(s.Role)),
			Need: "a superuser, to publish all tables", Fix: byHand(c.createPublicationSQL(want))}}, nil
	}
	var fs []fault.Finding
	if pub == nil && !s.CreateInside {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: where, Seen: fmt.Sprintf("role %s lacks CREATE on database %s", quoteIdentifier(s.Role), quoteIdentifier(c.Database)),
			Need: "CREATE, to make the publication", Fix: fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s, or %s", quoteIdentifier(c.Database), quoteIdentifier(s.Role), byHand(c.createPublicationSQL(want)))})
	}
	can, err := readPrivileges(ctx, q, todo)
	if err != nil {
		return fs, err
	}
	var others []*table
	for _, t := range todo {
		if !can[t.OID].Owner {
			others = append(others, t)
		}
	}
	if len(others) > 0 {
		sql := c.createPublicationSQL(want)
		if pub != nil {
			sql = c.addTablesSQL(others)
		}
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: where, Seen: fmt.Sprintf("role %s does not own %s", quoteIdentifier(s.Role), listIDs(others)),
			Need: "the owner, to publish tables", Fix: byHand(sql)})
	}
	return fs, nil
}
