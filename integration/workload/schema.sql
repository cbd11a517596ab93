-- The tables of the workload. Every row has a version of its own; history, which is not captured, is
-- written by triggers in the same transactions, and so holds exactly what was committed: once a statement, so that
-- large transactions take seconds. An R in it stands for a rewrite of a table's file,
-- a T for a TRUNCATE, before the rows that it takes. Every transaction below over
-- had ended when the change was made.
CREATE SEQUENCE versions;
CREATE SEQUENCE keyless_ids;
CREATE TABLE single(id bigint PRIMARY KEY, version bigint NOT NULL, note text, amount int);
CREATE TABLE composite(region text, id int, version bigint NOT NULL, note text, PRIMARY KEY (region, id));
CREATE TABLE keyless(id bigint NOT NULL, version bigint NOT NULL, note text);
ALTER TABLE keyless REPLICA IDENTITY FULL;
CREATE TABLE audited(id bigint PRIMARY KEY, version bigint NOT NULL, note text, body text);
ALTER TABLE audited REPLICA IDENTITY FULL;
ALTER TABLE audited ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE wide(id bigint PRIMARY KEY, version bigint NOT NULL, note text, body text);
ALTER TABLE wide ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE history(seq bigserial PRIMARY KEY, tbl text NOT NULL, op "char" NOT NULL, tx bigint NOT NULL, before jsonb, after jsonb,
	over bigint NOT NULL DEFAULT pg_snapshot_xmin(pg_current_snapshot())::text::bigint);
-- The transition tables of an UPDATE hold the old and the new rows in one order, that of their changes. A plan that was made
-- for one row would join 100,000 of them in a nested loop.
CREATE FUNCTION record_changes() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS 'BEGIN
	IF TG_OP = ''INSERT'' THEN
		INSERT INTO history(tbl, op, tx, after) SELECT TG_TABLE_NAME, ''c'', pg_current_xact_id()::text::bigint, to_jsonb(n) FROM news n;
	ELSIF TG_OP = ''UPDATE'' THEN
		INSERT INTO history(tbl, op, tx, before, after) SELECT TG_TABLE_NAME, ''u'', pg_current_xact_id()::text::bigint, o.was, n.is
			FROM (SELECT row_number() OVER () AS i, to_jsonb(x) AS was FROM olds x) o JOIN (SELECT row_number() OVER () AS i, to_jsonb(x) AS is FROM news x) n USING (i) ORDER BY i;
	ELSE
		INSERT INTO history(tbl, op, tx, before) SELECT TG_TABLE_NAME, ''d'', pg_current_xact_id()::text::bigint, to_jsonb(o) FROM olds o;
	END IF;
	RETURN NULL;
END';
CREATE FUNCTION record_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
	INSERT INTO history(tbl, op, tx) VALUES (TG_TABLE_NAME, ''T'', pg_current_xact_id()::text::bigint);
	EXECUTE format(''INSERT INTO history(tbl, op, tx, before) SELECT %L, ''''t'''', pg_current_xact_id()::text::bigint, to_jsonb(t) FROM %I t'', TG_TABLE_NAME, TG_TABLE_NAME);
	RETURN NULL;
END';
CREATE TRIGGER emptied BEFORE TRUNCATE ON keyless FOR EACH STATEMENT EXECUTE FUNCTION record_truncate();
DO 'DECLARE t text; BEGIN
	FOREACH t IN ARRAY ARRAY[''single'', ''composite'', ''keyless'', ''audited'', ''wide''] LOOP
		EXECUTE ''CREATE TRIGGER inserted AFTER INSERT ON '' || t || '' REFERENCING NEW TABLE AS news FOR EACH STATEMENT EXECUTE FUNCTION record_changes()'';
		EXECUTE ''CREATE TRIGGER updated AFTER UPDATE ON '' || t || '' REFERENCING OLD TABLE AS olds NEW TABLE AS news FOR EACH STATEMENT EXECUTE FUNCTION record_changes()'';
		EXECUTE ''CREATE TRIGGER deleted AFTER DELETE ON '' || t || '' REFERENCING OLD TABLE AS olds FOR EACH STATEMENT EXECUTE FUNCTION record_changes()'';
	END LOOP;
END';
INSERT INTO single SELECT i, nextval('versions'), 'first', i FROM generate_series(1, 2000) i;
INSERT INTO composite SELECT 'r' || i % 3, i, nextval('versions'), 'first' FROM generate_series(1, 300) i;
INSERT INTO keyless SELECT nextval('keyless_ids'), nextval('versions'), 'first' FROM generate_series(1, 100) i;
INSERT INTO audited SELECT i, nextval('versions'), 'first', repeat(md5(i::text), 100) FROM generate_series(1, 100) i;
INSERT INTO wide SELECT i, nextval('versions'), 'first', repeat(md5(i::text), 100) FROM generate_series(1, 200) i;
