package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
	"rdip/schema"
)

// publication is a publication as the catalog has it.
type publication struct {
	Name      string
	Owned     bool // the role may alter it
	AllTables bool
	Insert    bool
	Update    bool
	Delete    bool
	Truncate  bool
	ViaRoot   bool
	Generated bool // stored generated columns are published (18 and later)
	Tables    map[string]publishedTable
}

// publishedTable is one table of a publication, by ID in publication.Tables.
type publishedTable struct {
	Filter  string // row filter, "" for none (15 and later)
	Columns bool   // only some columns are published (15 and later)
	// Entry names what has the table published: OIDs of catalog rows, which are others once the table was taken out and
	// put back. "" where its schema is published.
	Entry string
}

const publicationSQL = `
SELECT p.pubname, pg_has_role(p.pubowner, 'USAGE'), p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
	coalesce(to_jsonb(p) ->> 'pubgencols', 'n') = 's'
FROM pg_publication p WHERE p.pubname = $1::text`

// publicationTablesSQL: attnames lists the columns whether a column list is there or not. One that hides something is
// given (prattrs; partitions inherit none) and shorter than the table's columns that can be published. The length alone
// says nothing while a column is dropped: attnames comes from the catalog as it is now, the rest from the statement's
// view of it.
const publicationTablesSQL = `
SELECT t.schemaname, t.tablename, coalesce(to_jsonb(t) ->> 'rowfilter', ''),
	CASE WHEN jsonb_typeof(to_jsonb(t) -> 'attnames') = 'array' THEN jsonb_array_length(to_jsonb(t) -> 'attnames') < (
		SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') ELSE false END
	AND EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = t.pubname
		AND to_jsonb(r) ->> 'prattrs' IS NOT NULL AND r.prrelid = c.oid),
	coalesce((SELECT string_agg(CASE WHEN p.puballtables THEN 'all ' || p.oid ELSE 'table ' || r.oid END, ', ' ORDER BY r.oid)
		FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND NOT p.puballtables
			AND (r.prrelid = c.oid OR r.prrelid IN (SELECT relid FROM pg_partition_ancestors(c.oid)))
		WHERE p.pubname = t.pubname AND (p.puballtables OR r.oid IS NOT NULL)), '')
FROM pg_publication_tables t
JOIN pg_namespace n ON n.nspname = t.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
WHERE t.pubname = $1::text`

// readPublication is the publication of that name, nil where there is none.
func readPublication(ctx context.Context, q querier, name string) (*publication, error) {
	p := &publication{Tables: map[string]publishedTable{}}
	err := q.QueryRow(ctx, publicationSQL, name).Scan(&p.Name, &p.Owned, &p.AllTables, &p.Insert, &p.Update, &p.Delete, &p.Truncate, &p.ViaRoot, &p.Generated)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, serverFault("read", publicationObject(name), err)
	}
	_, err = gather(ctx, q, "read publication", func(row pgx.CollectableRow) (struct{}, error) {
		var in, name string
		var t publishedTable
		err := row.Scan(&in, &name, &t.Filter, &t.Columns, &t.Entry)
		p.Tables[schema.TableID(in, name)] = t
		return struct{}{}, err
	}, publicationTablesSQL, name)
	return p, err
}

func publicationObject(name string) string { return fmt.Sprintf("publication %q", name) }

// missing is the tables that the publication has to name and does not cover.
func (p *publication) missing(want *captured) []*table {
	var all []*table
	seen := map[uint32]bool{}
	for _, u := range want.units {
		if _, ok := p.Tables[u.ID()]; !ok && !seen[u.published.OID] {
			seen[u.published.OID] = true
			all = append(all, u.published)
		}
	}
	return all
}

// tableList names tables for a publication. ONLY keeps the children of legacy inheritance out (P13); of a
// partitioned table it changes nothing.
func tableList(tables []*table) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = "ONLY " + quoteTable(t.Schema, t.Name)
	}
	return strings.Join(names, ", ")
}

// createPublicationSQL makes the publication that the configuration asks for.
func (c *Config) createPublicationSQL(want *captured) string {
	target := "ALL TABLES"
	if c.PublicationMode != PublicationAllTables {
		target = "TABLE " + c.filteredList(want.published())
	}
	generated := ""
	if c.publishGenerated(want) {
		generated = ", " + publishStored
	}
	return fmt.Sprintf("CREATE PUBLICATION %s FOR %s WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = %t%s)",
		quoteIdentifier(c.PublicationName), target, c.PublicationViaRoot, generated)
}

func (c *Config) addTablesSQL(tables []*table) string {
	return fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE %s", quoteIdentifier(c.PublicationName), c.filteredList(tables))
}

func (c *Config) setPublicationSQL(option string) string {
	return fmt.Sprintf("ALTER PUBLICATION %s SET (%s)", quoteIdentifier(c.PublicationName), option)
}

// publicationFindings compares the publication, nil where there is none, with the configuration (P57).
// Fatal ones are those that Open does not mend itself.
func (c *Config) publicationFindings(p *publication, want *captured) []fault.Finding {
	where := publicationObject(c.PublicationName)
	if p == nil {
		if c.PublicationMode != PublicationDisabled {
			return nil // Open makes it
		}
		return []fault.Finding{{Kind: fault.Preflight, Where: where, Seen: "it does not exist, and publication.autocreate.mode is disabled",
			Need: "a publication of the captured tables", Fix: c.createPublicationSQL(want), Case: "P57"}}
	}
	fs := c.publicationOptions(p, want)
	if missing := p.missing(want); len(missing) > 0 && !c.mends(p) {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: where, Seen: fmt.Sprintf("it lacks %s", listIDs(missing)),
			Need: "every captured table: the log carries no other", Fix: c.addTablesSQL(missing), Case: "P58"})
	}
	for _, u := range want.units {
		fs = append(fs, c.publishedFindings(p, u)...)
	}
	if extra := p.extra(want); extra > 0 && !p.AllTables {
		fs = append(fs, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: where,
			Seen: fmt.Sprintf("it also has %d tables that are not captured", extra), Need: "nothing: their changes are sent and dropped"})
	}
	return fs
}

// mends says whether Open adds missing tables itself.
func (c *Config) mends(p *publication) bool {
	return c.PublicationMode == PublicationFiltered && p.Owned && !p.AllTables
}

func (c *Config) publicationOptions(p *publication, want *captured) []fault.Finding {
	var fs []fault.Finding
	where := publicationObject(c.PublicationName)
	var lacks []string
	for _, o := range []struct {
		has  bool
		name string
	}{{p.Insert, "insert"}, {p.Update, "update"}, {p.Delete, "delete"}, {p.Truncate, "truncate"}} {
		if !o.has {
			lacks = append(lacks, o.name)
		}
	}
	if len(lacks) > 0 {
		severity := fault.Fatal
		if len(lacks) == 1 && !p.Truncate {
			severity = fault.Warning
		}
		fs = append(fs, fault.Finding{Severity: severity, Kind: fault.Preflight, Where: where, Seen: "it does not publish " + strings.Join(lacks, ", "),
			Need: "every operation, or these changes are missing without a word", Fix: c.setPublicationSQL("publish = 'insert, update, delete, truncate'"), Case: "P59"})
	}
	if p.ViaRoot != c.PublicationViaRoot {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: where,
			Seen: fmt.Sprintf("publish_via_partition_root is %t, and publish.via.partition.root is %t", p.ViaRoot, c.PublicationViaRoot),
			Need: "the same: rows of partitions would have other topics than their snapshot",
			Fix:  fmt.Sprintf("publish.via.partition.root: %t, or %s", p.ViaRoot, c.setPublicationSQL(fmt.Sprintf("publish_via_partition_root = %t", c.PublicationViaRoot))), Case: "P12"})
	}
	if p.Generated && !c.publishGenerated(want) {
		fs = append(fs, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: where, Seen: "it publishes stored generated columns",
			Need: "nothing: generated columns are in neither snapshot nor stream", Fix: c.setPublicationSQL("publish_generated_columns = none"), Case: "P11"})
	}
	return fs
}

// publishedFindings: a row filter or a column list shows the stream less than the snapshot reads.
func (c *Config) publishedFindings(p *publication, u *unit) []fault.Finding {
	var fs []fault.Finding
	t := p.Tables[u.ID()]
	fix := fmt.Sprintf("ALTER PUBLICATION %s DROP TABLE %[2]s; ALTER PUBLICATION %[1]s ADD TABLE %[2]s", quoteIdentifier(c.PublicationName), tableList([]*table{u.published}))
	if t.Filter != "" && c.predicate(u.ID()) == "" { // a configured one: rowFilterFindings
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: publicationObject(c.PublicationName), Seen: fmt.Sprintf("table %s has a row filter", u.ID()),
			Need: "none: the stream would lack rows that the snapshot has", Fix: fix, Case: "P59"})
	}
	if t.Columns {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: publicationObject(c.PublicationName), Seen: fmt.Sprintf("table %s has a column list", u.ID()),
			Need: "none: the stream would lack columns that the snapshot has", Fix: fix, Case: "P59"})
	}
	return fs
}

// extra is how many published tables are not captured.
func (p *publication) extra(want *captured) int {
	n := len(p.Tables)
	for _, u := range want.units {
		if _, ok := p.Tables[u.ID()]; ok {
			n--
		}
	}
	return n
}

// listIDs names a few tables for people.
func listIDs(tables []*table) string {
	const most = 10
	var names []string
	for i, t := range tables {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(tables)-most))
			break
		}
		names = append(names, t.ID())
	}
	return strings.Join(names, ", ")
}
