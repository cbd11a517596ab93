-- What rdip installs for ddl.capture: true. It emits a logical message for each statement that alters something, in
-- the statement's own transaction, and changes nothing. It keeps no table and asks no lock.
SELECT pg_catalog.pg_advisory_xact_lock(7305455201417817189);
CREATE SCHEMA IF NOT EXISTS rdip;
CREATE OR REPLACE FUNCTION rdip.capture_ddl() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $rdip$
DECLARE
	statement text := coalesce(current_query(), '');
	withheld boolean;
	objects jsonb;
BEGIN
	IF TG_EVENT = 'ddl_command_end' THEN
		SELECT jsonb_agg(jsonb_build_object('class', c.classid::regclass::text, 'oid', c.objid::int8, 'tag', c.command_tag, 'type', c.object_type,
			'schema', c.schema_name, 'identity', c.object_identity,
			'name', (SELECT r.relname FROM pg_class r WHERE c.classid = 'pg_class'::regclass AND r.oid = c.objid)))
		INTO objects FROM pg_event_trigger_ddl_commands() c
		WHERE NOT c.in_extension AND c.schema_name IS DISTINCT FROM 'pg_temp';
	ELSIF TG_EVENT = 'sql_drop' THEN
		IF TG_TAG NOT LIKE 'DROP%' THEN
			RETURN; -- ALTER TABLE ... DROP COLUMN: its ddl_command_end says it
		END IF;
		SELECT jsonb_agg(jsonb_build_object('class', d.classid::regclass::text, 'oid', d.objid::int8, 'tag', TG_TAG, 'type', d.object_type,
			'schema', d.schema_name, 'identity', d.object_identity, 'name', d.object_name))
		INTO objects FROM pg_event_trigger_dropped_objects() d
		WHERE NOT d.is_temporary AND (d.original OR d.normal) AND d.schema_name IS DISTINCT FROM 'pg_temp'
			AND NOT (d.object_type = 'rule' AND d.object_identity LIKE '"\_RETURN" on %'); -- a view's own
	ELSE
		SELECT jsonb_agg(jsonb_build_object('class', 'pg_class', 'oid', r.oid::int8, 'tag', TG_TAG, 'type', 'table',
			'schema', n.nspname, 'identity', format('%I.%I', n.nspname, r.relname), 'name', r.relname))
		INTO objects FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
		WHERE r.oid = pg_event_trigger_table_rewrite_oid() AND r.relpersistence <> 't';
	END IF;
	IF objects IS NULL THEN
		RETURN;
	END IF;
	-- A text that may hold a secret, or that is not itself a definition, does not go into the log.
	withheld := statement !~* '^(\s|--[^\n]*\n|/\*([^*]|\*+[^*/])*\*+/)*(create|alter|drop|comment|grant|revoke|security|refresh|import|reindex|do|begin|start|set)\y'
		OR statement ~* '(pass(word|wd|phrase)|pwd|secret|token|credential|(api|access|private)_?key|user\s+mapping|subscription|conninfo|scram-sha|\ymd5[0-9a-f]{32}|://[^\s/:@'']*:[^\s/@'']+@)';
	PERFORM pg_logical_emit_message(true, 'rdip.ddl', convert_to(jsonb_build_object(
		'event', TG_EVENT, 'tag', TG_TAG, 'withheld', withheld, 'truncated', NOT withheld AND length(statement) > 262144,
		'statement', CASE WHEN withheld THEN NULL ELSE left(statement, 262144) END,
		'session_user', session_user::text, 'current_user', current_user::text,
		'application_name', current_setting('application_name', true), 'client_address', host(inet_client_addr()),
		'objects', objects)::text, 'UTF8'));
END
$rdip$;
-- It runs as whoever alters something, so that nobody else may replace it, whoever made one of its name before.
ALTER FUNCTION rdip.capture_ddl() OWNER TO CURRENT_USER;
DROP EVENT TRIGGER IF EXISTS rdip_ddl_end;
DROP EVENT TRIGGER IF EXISTS rdip_ddl_drop;
DROP EVENT TRIGGER IF EXISTS rdip_ddl_rewrite;
CREATE EVENT TRIGGER rdip_ddl_end ON ddl_command_end EXECUTE FUNCTION rdip.capture_ddl();
CREATE EVENT TRIGGER rdip_ddl_drop ON sql_drop EXECUTE FUNCTION rdip.capture_ddl();
CREATE EVENT TRIGGER rdip_ddl_rewrite ON table_rewrite EXECUTE FUNCTION rdip.capture_ddl();
ALTER EVENT TRIGGER rdip_ddl_end ENABLE ALWAYS;
ALTER EVENT TRIGGER rdip_ddl_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER rdip_ddl_rewrite ENABLE ALWAYS;
