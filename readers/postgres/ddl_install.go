package postgres

import (
	"context"
	_ "embed" // the script
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// ddlScript installs the event trigger of ddl.capture; to run it again changes nothing. PostgreSQL fires event
// triggers for what belongs to one database, not for roles, databases and tablespaces.
//
//go:embed ddl_trigger.sql
var ddlScript string

// ddlRemoval takes away what ddlScript installs. The schema stays where somebody else has put something into it.
const ddlRemoval = `DROP EVENT TRIGGER IF EXISTS rdip_ddl_end;
DROP EVENT TRIGGER IF EXISTS rdip_ddl_drop;
DROP EVENT TRIGGER IF EXISTS rdip_ddl_rewrite;
DROP FUNCTION IF EXISTS rdip.capture_ddl();
DO $$ BEGIN
	DROP SCHEMA IF EXISTS rdip RESTRICT;
EXCEPTION WHEN dependent_objects_still_exist THEN NULL;
END $$`

// ddlBody is the function's body, by which an older one is told.
var ddlBody = strings.Split(ddlScript, "$rdip$")[1]

// ddlTrigger is the event trigger as the catalog has it.
type ddlTrigger struct {
	Body     string // of the function, "" without one
	Triggers int    // that call it and are enabled, whatever session_replication_role is or but for replica
	Callable bool   // every role may emit logical messages, as PostgreSQL ships; else its DDL would fail
	Maker    bool   // the role may make event triggers: a superuser, or a provider's stand-in
}

func (t *ddlTrigger) installed() bool { return t.Body == ddlBody && t.Triggers == 3 }
func (t *ddlTrigger) exists() bool    { return t.Body != "" || t.Triggers > 0 }

const ddlTriggerSQL = `
SELECT coalesce(max(p.prosrc), ''),
	(SELECT count(*) FROM pg_catalog.pg_event_trigger e WHERE e.evtfoid = ANY (array_agg(p.oid)) AND e.evtenabled IN ('O', 'A')
		AND e.evtname IN ('rdip_ddl_end', 'rdip_ddl_drop', 'rdip_ddl_rewrite')),
	(SELECT bool_and(has_function_privilege('public', m.oid, 'EXECUTE')) FROM pg_catalog.pg_proc m
		WHERE m.proname = 'pg_logical_emit_message' AND m.pronamespace = 'pg_catalog'::regnamespace),
	(SELECT r.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE s.rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin')
		AND pg_has_role(r.oid, s.oid, 'MEMBER')) FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'rdip' AND p.proname = 'capture_ddl'`

func readDDLTrigger(ctx context.Context, q querier) (*ddlTrigger, error) {
	t := &ddlTrigger{}
	if err := q.QueryRow(ctx, ddlTriggerSQL).Scan(&t.Body, &t.Triggers, &t.Callable, &t.Maker); err != nil {
		return nil, serverFault("read", ddlObject, err)
	}
	return t, nil
}

const ddlObject = "the event trigger of ddl.capture"

// ddlFindings are what a start would refuse. standby: nothing can be made there.
func (c *Config) ddlFindings(ctx context.Context, q querier, standby bool) ([]fault.Finding, error) {
	if !c.Events.DDL {
		return nil, nil
	}
	t, err := readDDLTrigger(ctx, q)
	if err != nil {
		return nil, err
	}
	return t.findings(standby), nil
}

func (t *ddlTrigger) findings(standby bool) []fault.Finding {
	var fs []fault.Finding
	if !t.Callable {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: ddlObject, Seen: "EXECUTE on pg_logical_emit_message was taken from PUBLIC",
			Need: "it, or every CREATE and ALTER of a role without it fails in the trigger", Fix: "GRANT EXECUTE ON FUNCTION pg_catalog.pg_logical_emit_message TO PUBLIC, or ddl.capture: false"})
	}
	if t.installed() || t.Maker && !standby {
		return fs // or a start installs it
	}
	return append(fs, fault.Finding{Kind: fault.Preflight, Where: ddlObject, Seen: t.lack(), Need: "it as this version of rdip has it: without it nothing says who altered what", Fix: ddlFix()})
}

func (t *ddlTrigger) lack() string {
	switch {
	case !t.exists():
		return "it is not installed, and the role may not make event triggers here"
	case t.Triggers != 3:
		return "it is not there or enabled for all of ddl_command_end, sql_drop and table_rewrite, and the role may not mend it here"
	default:
		return "its function is another version's, and the role may not replace it here"
	}
}

// ddlFix is the fix as a superuser types it.
func ddlFix() string {
	return "ddl.capture: false, or as a superuser, in this database (on a standby: on its primary):\n" + ddlScript
}

// captureDDL makes sure that the event trigger is there, before the slot is made, so that nothing that follows
// the snapshot is missing.
func (o *opening) captureDDL(ctx context.Context) error {
	if !o.cfg.Events.DDL {
		return nil
	}
	t, err := readDDLTrigger(ctx, o.sql)
	if err != nil {
		return err
	}
	if err := fault.Findings(t.findings(o.server.Standby)).Err(); err != nil {
		return err
	}
	if t.installed() {
		return nil
	}
	_, err = o.sql.Exec(ctx, ddlScript, pgx.QueryExecModeSimpleProtocol)
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == stateNoPrivilege {
		return &fault.Error{Kind: fault.Preflight, Op: "install", Object: ddlObject, Cause: said(server), Permanent: true, Hint: ddlFix()}
	}
	if err != nil {
		return serverFault("install", ddlObject, err)
	}
	return nil
}
