package postgres

// The catalog's questions. Each is about relations by OID, so that no name needs quoting (P31), and names
// its catalogs in full, whatever search_path is.

// relationsSQL lists what can be captured: permanent tables, partitioned ones among them. A relation whose
// size cannot be had was dropped since.
const relationsSQL = `
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relreplident::text, c.relpersistence::text, c.relispartition,
       ARRAY(SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno),
       c.relpages::int8, c.reltuples::float8, coalesce(pg_catalog.pg_relation_size(c.oid), 0), c.relfilenode,
       pg_catalog.row_security_active(c.oid), pg_catalog.current_setting('server_version_num')::int4 >= 180000
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u')
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'`

// relationOrderSQL is bytewise, whatever the database's collation.
const relationOrderSQL = ` ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`

// columnsSQL lists columns in their order. NOT NULL may be the column's or its domain's, as pgjdbc sees it.
// adbin of a generated column is its expression, not a default.
const columnsSQL = `
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull),
       a.attgenerated::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attgenerated = '' THEN coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END,
       a.attndims::int4
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

// keysSQL lists the primary key and the replica identity's index, with their columns in the index's order,
// without those that INCLUDE adds.
const keysSQL = `
SELECT i.indrelid, i.indisprimary, i.indisreplident,
       ARRAY(SELECT a.attname::text
             FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.place <= i.indnkeyatts
             ORDER BY k.place)
FROM pg_catalog.pg_index i
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid AND (i.indisprimary OR i.indisreplident)`

// formatTypeSQL names types for people.
const formatTypeSQL = `
SELECT coalesce(pg_catalog.format_type(t.oid, t.mod), '')
FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS t(oid, mod, place)
ORDER BY t.place`
