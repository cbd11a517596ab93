package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/readers"
)

// changes is a recorder of schema changes.
type changes struct {
	recorder
	seen []envelope.SchemaChange
}

func (c *changes) Message(m *envelope.Message) error {
	if m.Change != nil {
		c.mu.Lock()
		c.seen = append(c.seen, *m.Change)
		c.mu.Unlock()
	}
	return c.recorder.Message(m)
}

func fact(c envelope.SchemaChange, name string) string {
	for _, f := range c.Facts {
		if f.Name == "__rdip.ddl."+name {
			return f.Value
		}
	}
	return ""
}

// shown is a change on one line: command, text, tables with their columns, and what was altered.
func shown(c envelope.SchemaChange) string {
	var tables []string
	for _, t := range c.Tables {
		text := t.Type + " " + t.ID
		if t.Table != nil {
			var names []string
			for _, col := range t.Table.Columns {
				names = append(names, col.Name+" "+col.Expression)
			}
			text += "(" + strings.Join(names, ", ") + ")"
		}
		tables = append(tables, text)
	}
	return fmt.Sprintf("%s | %s | %s | %s", fact(c, "command"), c.DDL, strings.Join(tables, "; "), fact(c, "objects"))
}

// ddlServer is a database with the event trigger, before the slot is made.
func ddlServer(t *testing.T, version int, setup string) *logServer {
	t.Helper()
	s := newLogServer(t, testenv.SharedPostgres(t, version), setup+"; "+ddlScript)
	s.cfg.Events.DDL = true
	return s
}

func TestStatementsThatAlterSomethingAreTold(t *testing.T) {
	const withheld = " /* the statement is withheld: it may hold a secret, or is not itself a definition */"
	for _, version := range []int{14, 18} {
		for name, c := range map[string]struct {
			setup, exclude string
			work           []string
			want           []string
		}{
			"a table that is made, altered and dropped": {
				work: []string{"CREATE TABLE t(id int PRIMARY KEY)", "ALTER TABLE t ADD a varchar(20)", "DROP TABLE t"},
				// a captured table is shown as the catalog has it when the log is read, and by then it is gone
				want: []string{
					`CREATE TABLE | CREATE TABLE t(id int PRIMARY KEY) | CREATE "public"."t" | [{"type":"table","schema":"public","identity":"public.t"},{"type":"index","schema":"public","identity":"public.t_pkey"}]`,
					`ALTER TABLE | ALTER TABLE t ADD a varchar(20) | ALTER "public"."t" | [{"type":"table","schema":"public","identity":"public.t"}]`,
					`DROP TABLE | DROP TABLE t | DROP "public"."t" | [{"type":"table","schema":"public","identity":"public.t"}]`},
			},
			"a table that is captured, with its columns; one that is not, without": {
				setup: "CREATE TABLE t(id int PRIMARY KEY); CREATE TABLE u(id int)", exclude: "public.u",
				work: []string{"ALTER TABLE t ADD a numeric(10,2)", "ALTER TABLE u ADD a int"},
				want: []string{
					`ALTER TABLE | ALTER TABLE t ADD a numeric(10,2) | ALTER "public"."t"(id integer, a numeric(10,2)) | [{"type":"table","schema":"public","identity":"public.t"}]`,
					`ALTER TABLE | ALTER TABLE u ADD a int |  | [{"type":"table","schema":"public","identity":"public.u"}]`},
			},
			"views, functions and triggers": {
				setup: "CREATE TABLE t(id int PRIMARY KEY)",
				work: []string{"CREATE VIEW v AS SELECT 1 AS x", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
					"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", "DROP VIEW v"},
				want: []string{
					`CREATE VIEW | CREATE VIEW v AS SELECT 1 AS x |  | [{"type":"view","schema":"public","identity":"public.v"}]`,
					`CREATE FUNCTION | CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END' |  | [{"type":"function","schema":"public","identity":"public.f()"}]`,
					`CREATE TRIGGER | CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f() |  | [{"type":"trigger","identity":"g on public.t"}]`,
					`DROP VIEW | DROP VIEW v |  | [{"type":"view","schema":"public","identity":"public.v"}]`},
			},
			"a rewrite, a renamed column and a dropped one": {
				setup: "CREATE TABLE t(id int PRIMARY KEY, a int, b int)",
				work:  []string{"ALTER TABLE t ALTER a TYPE bigint", "ALTER TABLE t RENAME b TO c", "ALTER TABLE t DROP c"},
				want: []string{
					`ALTER TABLE | ALTER TABLE t ALTER a TYPE bigint | ALTER "public"."t"(id integer, a bigint) | [{"type":"table","schema":"public","identity":"public.t"}]`,
					`ALTER TABLE | ALTER TABLE t ALTER a TYPE bigint | ALTER "public"."t"(id integer, a bigint) | [{"type":"table","schema":"public","identity":"public.t"}]`,
					`ALTER TABLE | ALTER TABLE t RENAME b TO c | ALTER "public"."t"(id integer, a bigint) | [{"type":"table column","schema":"public","identity":"public.t.c"}]`,
					`ALTER TABLE | ALTER TABLE t DROP c | ALTER "public"."t"(id integer, a bigint) | [{"type":"table","schema":"public","identity":"public.t"}]`},
			},
			"temporary tables and what is rolled back are not": {
				work: []string{"CREATE TEMP TABLE x(id int); DROP TABLE x", "BEGIN; CREATE TABLE t(id int); ROLLBACK"},
			},
			"texts that may hold a secret are withheld": {
				setup: "CREATE TABLE t(id int PRIMARY KEY); CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w",
				work: []string{"CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (\"user\" 'x', \"password\" 'canary')",
					"CREATE VIEW v AS SELECT 1 AS x; SET LOCAL rdip.x = 'canary password'",
					"CREATE VIEW u AS SELECT 'postgres://x:canary@there'::text AS x", "SELECT 1 AS x INTO made WHERE 'canary' <> ''"},
			},
		} {
			t.Run(fmt.Sprintf("%d/%s", version, name), func(t *testing.T) {
				t.Parallel()
				s := ddlServer(t, version, "SELECT 1; "+c.setup)
				if c.exclude != "" {
					s.cfg.TableExclude = patterns(t, c.exclude)
				}
				for _, sql := range c.work {
					s.exec(t, sql)
				}
				h := &changes{}
				s.captureInto(t, h, &h.recorder)
				var got []string
				for _, change := range h.seen {
					got = append(got, shown(change))
				}
				if strings.Contains(strings.Join(append(got, h.all()...), "\n"), "canary") {
					t.Errorf("a secret left:\n%s", strings.Join(h.all(), "\n"))
				}
				if strings.HasPrefix(name, "texts") {
					for _, line := range got {
						if !strings.Contains(line, withheld) {
							t.Errorf("not withheld: %s", line)
						}
					}
					if len(got) < len(c.work) {
						t.Errorf("%d changes of %d: %s", len(got), len(c.work), got)
					}
					return
				}
				if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			})
		}
	}
}

// Who altered it is who logged in and who acts, also where the role may do nothing else in the database than own
// a schema.
func TestASchemaChangeSaysWhoAlteredWhat(t *testing.T) {
	s := ddlServer(t, 15, "SELECT 1")
	role, acting := testenv.Name("plain"), testenv.Name("acting")
	s.exec(t, fmt.Sprintf("CREATE ROLE %[1]s LOGIN PASSWORD 'x'; CREATE ROLE %[2]s; GRANT %[2]s TO %[1]s; CREATE SCHEMA own AUTHORIZATION %[2]s", quoteIdentifier(role), quoteIdentifier(acting)))
	t.Cleanup(func() {
		_, _ = s.sql.Exec(context.Background(), fmt.Sprintf("DROP OWNED BY %[2]s CASCADE; DROP ROLE %[1]s; DROP ROLE %[2]s", quoteIdentifier(role), quoteIdentifier(acting)))
	})
	s.exec(t, fmt.Sprintf("SET SESSION AUTHORIZATION %s; SET ROLE %s; SET application_name = 'migration'; CREATE TABLE own.t(id int PRIMARY KEY); COMMENT ON TABLE own.t IS 'of the plain role'; RESET SESSION AUTHORIZATION", quoteIdentifier(role), quoteIdentifier(acting)))
	h := &changes{}
	s.captureInto(t, h, &h.recorder)
	var c envelope.SchemaChange
	for _, each := range h.seen {
		if fact(each, "command") == "COMMENT" {
			c = each
		}
	}
	if fact(c, "session_user") != role || fact(c, "current_user") != acting || fact(c, "application_name") != "migration" || fact(c, "event") != "ddl_command_end" {
		t.Errorf("facts: %+v", c.Facts)
	}
	if c.Schema != "own" || c.Table != "t" || len(c.Tables) != 1 || c.Tables[0].Table == nil || *c.Tables[0].Table.Comment != "of the plain role" || c.Tables[0].Table.Key[0] != "id" {
		t.Errorf("change: %+v", c)
	}
}

// Any role may write a message with the prefix: what does not read like the event trigger's changes nothing, and
// what does is still looked at for secrets.
func TestAMessageThatIsNotTheEventTriggersIsNoSchemaChange(t *testing.T) {
	c := newCatalog(&Config{}, nil)
	for _, content := range []string{"", "x", "null", "[]", "{}", `{"tag":"DROP TABLE"}`, `{"tag":"DROP TABLE","objects":[]}`, `{"tag":1,"objects":[{}]}`, `{"tag":"X","objects":[{"oid":-1}]}`} {
		if change, err := c.schemaChange(t.Context(), []byte(content)); change != nil || err != nil {
			t.Errorf("%s: %+v, %v", content, change, err)
		}
	}
	for _, text := range []string{"ALTER ROLE x PASSWORD 'canary'", "CREATE VIEW v AS SELECT 'https://u:canary@host/'"} {
		change, err := c.schemaChange(t.Context(), []byte(`{"event":"sql_drop","tag":"ALTER ROLE","statement":"`+text+`","objects":[{"identity":null}]}`))
		if err != nil || change == nil || strings.Contains(change.DDL, "canary") {
			t.Errorf("%s: %+v, %v", text, change, err)
		}
	}
}

func TestAShapeHasTheCatalogsColumnsInDebeziumsForm(t *testing.T) {
	c, _ := open(t, 15, &Config{}, `CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN d AS int;
		CREATE TABLE t(id int GENERATED ALWAYS AS IDENTITY, s serial, n numeric(10,-2), v varchar(20) NOT NULL DEFAULT 'x', m mood, a int[],
		d d, j jsonb, ts timestamptz(3), g int GENERATED ALWAYS AS (1) STORED, PRIMARY KEY (v, id)); COMMENT ON COLUMN t.m IS 'how'`)
	var oid uint32
	if err := c.q.QueryRow(t.Context(), "SELECT 'public.t'::regclass::oid").Scan(&oid); err != nil {
		t.Fatal(err)
	}
	shape, err := c.shape(t.Context(), oid)
	if err != nil {
		t.Fatal(err)
	}
	number := func(n *int32) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	var got []string
	for _, x := range shape.Columns {
		got = append(got, fmt.Sprintf("%d %s %s %d %s/%s %s null=%t made=%t generated=%t %s %s %v", x.Position, x.Name, x.Type, x.JDBC, number(x.Length), number(x.Scale),
			x.Expression, x.Nullable, x.Identity, x.Generated, textOf(x.Default), textOf(x.Comment), x.Labels))
	}
	want := []string{
		"1 id int4 4 -/- integer null=false made=true generated=false   []",
		"2 s int4 4 -/- integer null=false made=true generated=false nextval('public.t_s_seq'::regclass)  []",
		"3 n numeric 2 10/-2 numeric(10,-2) null=true made=false generated=false   []",
		"4 v varchar 12 20/- character varying(20) null=false made=false generated=false 'x'::character varying  []",
		"5 m mood 12 -/- public.mood null=true made=false generated=false  how [sad ok]",
		"6 a _int4 2003 -/- integer[] null=true made=false generated=false   []",
		"7 d d 2001 -/- public.d null=true made=false generated=false   []",
		"8 j jsonb 1111 -/- jsonb null=true made=false generated=false   []",
		"9 ts timestamptz 93 -/3 timestamp(3) with time zone null=true made=false generated=false   []",
		"10 g int4 4 -/- integer null=true made=false generated=true 1  []"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Join(shape.Key, ",") != "v,id" {
		t.Errorf("key %v", shape.Key)
	}
}

func TestTheEventTriggerIsInstalledOnceMendedAndRemoved(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t(id int PRIMARY KEY)")
	s.cfg.Events.DDL = true
	state := func() string {
		return s.ask(t, "(SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'rdip%' AND evtenabled = 'A') || ' ' || (SELECT count(*) FROM pg_proc WHERE proname = 'capture_ddl') || ' ' || (SELECT count(*) FROM pg_namespace WHERE nspname = 'rdip')")
	}
	start := func() {
		r := s.reader(t)
		o := &opening{r: r, cfg: r.cfg}
		defer o.close(t.Context())
		if err := o.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := o.captureDDL(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, before := range []string{"SELECT 1", "SELECT 1", "DROP EVENT TRIGGER rdip_ddl_drop", "ALTER EVENT TRIGGER rdip_ddl_end DISABLE",
		"CREATE OR REPLACE FUNCTION rdip.capture_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'"} {
		s.exec(t, before)
		start()
		if got := state(); got != "3 1 1" {
			t.Errorf("after %q and a start: %s", before, got)
		}
	}
	for range 2 {
		s.exec(t, ddlRemoval)
		if got := state(); got != "0 0 0" {
			t.Errorf("after the removal: %s", got)
		}
	}
	s.exec(t, "CREATE SCHEMA rdip; CREATE TABLE rdip.kept(id int); "+ddlRemoval)
	if got := state(); got != "0 0 1" {
		t.Errorf("after a removal that leaves somebody else's table: %s", got)
	}
}

func TestWithoutTheEventTriggerAPlainRoleIsToldWhatASuperuserRuns(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t(id int PRIMARY KEY)")
	role := testenv.Name("plain")
	s.exec(t, "CREATE ROLE "+quoteIdentifier(role)+" LOGIN REPLICATION; GRANT ALL ON SCHEMA public TO "+quoteIdentifier(role)+"; ALTER TABLE t OWNER TO "+quoteIdentifier(role)+
		"; GRANT CREATE ON DATABASE "+quoteIdentifier(s.cfg.Database)+" TO "+quoteIdentifier(role))
	t.Cleanup(func() {
		_, _ = s.sql.Exec(context.Background(), "DROP OWNED BY "+quoteIdentifier(role)+" CASCADE; DROP ROLE "+quoteIdentifier(role))
	})
	s.cfg.Events.DDL, s.cfg.User = true, role
	var found fault.Finding
	for _, f := range s.reader(t).Check(t.Context()) {
		if f.Where == ddlObject {
			found = f
		}
	}
	if found.Severity != fault.Fatal || !strings.Contains(found.Seen, "not installed") || !strings.Contains(found.Fix, "CREATE EVENT TRIGGER rdip_ddl_end") {
		t.Errorf("check says %+v", found)
	}
	s.exec(t, ddlScript) // the fix as printed
	for _, f := range s.reader(t).Check(t.Context()) {
		if f.Where == ddlObject {
			t.Errorf("after the fix, check says %+v", f)
		}
	}
	s.exec(t, "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_logical_emit_message(boolean, text, bytea) FROM PUBLIC")
	found = fault.Finding{}
	for _, f := range s.reader(t).Check(t.Context()) {
		if f.Where == ddlObject {
			found = f
		}
	}
	if !strings.Contains(found.Fix, "GRANT EXECUTE") {
		t.Errorf("check says %+v", found)
	}
}

// The function runs with the rights of whoever alters something, a superuser's too: a role that had made the schema
// and a function of its name before must not keep it, and put another body there later.
func TestTheEventTriggersFunctionBelongsToWhoeverInstalledIt(t *testing.T) {
	s := onServer(t, 16, oneTable)
	user := s.user(t, "")
	s.exec(t, "GRANT CREATE ON DATABASE "+quoteIdentifier(s.cfg.Database)+" TO "+user)
	squat := "CREATE SCHEMA rdip; CREATE FUNCTION rdip.capture_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END'"
	s.exec(t, "SET ROLE "+user+"; "+squat+"; RESET ROLE")
	s.cfg.Events.DDL = true
	s.open(t, readers.Stored{})
	if got := s.ask(t, "SELECT proowner::regrole || ' ' || prosecdef FROM pg_proc WHERE oid = 'rdip.capture_ddl'::regproc"); got != pgserver.Superuser+" false" {
		t.Errorf("its owner and whether it runs with the owner's rights: %s", got)
	}
	if _, err := s.sql.Exec(t.Context(), "SET ROLE "+user+"; CREATE OR REPLACE FUNCTION rdip.capture_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Error("the role replaced it")
	}
	s.exec(t, "RESET ROLE; "+ddlRemoval)
}
