-- The tables of the workload. Every row has a version of its own; history, which is not captured, is
-- written by triggers in the same transactions, and so holds exactly what was committed.
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
CREATE TABLE history(seq bigserial PRIMARY KEY, tbl text NOT NULL, op "char" NOT NULL, tx bigint NOT NULL, before jsonb, after jsonb);
CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
	IF TG_OP = ''INSERT'' THEN
		INSERT INTO history(tbl, op, tx, after) VALUES (TG_TABLE_NAME, ''c'', pg_current_xact_id()::text::bigint, to_jsonb(NEW));
	ELSIF TG_OP = ''UPDATE'' THEN
		INSERT INTO history(tbl, op, tx, before, after) VALUES (TG_TABLE_NAME, ''u'', pg_current_xact_id()::text::bigint, to_jsonb(OLD), to_jsonb(NEW));
	ELSE
		INSERT INTO history(tbl, op, tx, before) VALUES (TG_TABLE_NAME, ''d'', pg_current_xact_id()::text::bigint, to_jsonb(OLD));
	END IF;
	RETURN NULL;
END';
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON single FOR EACH ROW EXECUTE FUNCTION record_change();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON composite FOR EACH ROW EXECUTE FUNCTION record_change();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON keyless FOR EACH ROW EXECUTE FUNCTION record_change();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON audited FOR EACH ROW EXECUTE FUNCTION record_change();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON wide FOR EACH ROW EXECUTE FUNCTION record_change();
INSERT INTO single SELECT i, nextval('versions'), 'first', i FROM generate_series(1, 2000) i;
INSERT INTO composite SELECT 'r' || i % 3, i, nextval('versions'), 'first' FROM generate_series(1, 300) i;
INSERT INTO keyless SELECT nextval('keyless_ids'), nextval('versions'), 'first' FROM generate_series(1, 100) i;
INSERT INTO audited SELECT i, nextval('versions'), 'first', repeat(md5(i::text), 100) FROM generate_series(1, 100) i;
INSERT INTO wide SELECT i, nextval('versions'), 'first', repeat(md5(i::text), 100) FROM generate_series(1, 200) i;
