package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// docs/PRIVILEGES.md has these statements; {role}, {database} and {owner} are names.
const (
	leastGrants = `CREATE ROLE {role} LOGIN REPLICATION;
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA shop TO {role};
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {role};
CREATE PUBLICATION rdip FOR TABLE ONLY shop.orders, ONLY shop.lines;`

	publisherGrants = `CREATE ROLE {role} LOGIN REPLICATION;
GRANT CONNECT, CREATE ON DATABASE {database} TO {role};
GRANT {owner} TO {role};`
)

// privileged is a database whose tables belong to somebody, and a role with what docs/PRIVILEGES.md says.
type privileged struct {
	pg                    *pgserver.Server
	role, database, owner string
	setup                 *harness.Setup
}

func (p *privileged) sql(t *testing.T, text string) {
	t.Helper()
	text = strings.NewReplacer("{role}", p.role, "{database}", p.database, "{owner}", p.owner).Replace(text)
	execute(t, p.pg, p.database, text)
}

// newPrivileged takes everything from PUBLIC, so that only what is granted counts.
func newPrivileged(t *testing.T, version int, mode, grants string) *privileged {
	t.Helper()
	kafka, registry := testenv.SharedKafka(t), testenv.SharedRegistry(t)
	p := &privileged{pg: testenv.SharedPostgres(t, version), role: testenv.Name("role"), owner: testenv.Name("owner")}
	p.database = testenv.Database(t, p.pg)
	t.Cleanup(func() {
		statements := fmt.Sprintf("DROP OWNED BY %[1]s, %[2]s CASCADE; DROP ROLE %[1]s, %[2]s", p.role, p.owner)
		if err := p.pg.Exec(context.WithoutCancel(t.Context()), p.database, statements); err != nil {
			t.Error(err)
		}
	})
	p.sql(t, `CREATE ROLE {owner}; CREATE SCHEMA shop AUTHORIZATION {owner}; REVOKE ALL ON DATABASE {database} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;
		SET ROLE {owner}; CREATE TABLE shop.orders (id int PRIMARY KEY, note text); CREATE TABLE shop.lines (id int PRIMARY KEY); INSERT INTO shop.orders VALUES (1, 'a')`)
	p.sql(t, grants)
	p.setup = harness.NewSetup(t, p.pg, p.database, kafka.Bootstrap(), registry.URL(), testenv.Name("grants")).With(
		"connectors.shop.database.user", p.role, "connectors.shop.publication.name", "rdip", "connectors.shop.publication.autocreate.mode", mode,
		"connectors.shop.heartbeat.interval.ms", "200ms")
	return p
}

// check runs rdip check, and gives what it wrote and its exit code.
func check(s *harness.Setup, t *testing.T) (text string, code int) {
	t.Helper()
	command := exec.Command(harness.Binary(t, s.Tags...), "check", s.File(t))
	command.Env = append(os.Environ(), s.Env...)
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), command.ProcessState.ExitCode()
}

func TestThePipelineRunsWithExactlyTheDocumentedGrants(t *testing.T) {
	for name, c := range map[string]struct{ mode, grants string }{
		"the administrator made the publication": {"disabled", leastGrants},
		"rdip makes the publication":             {"filtered", publisherGrants},
	} {
		for _, version := range []int{15, 18} {
			t.Run(fmt.Sprintf("%s, PostgreSQL %d", name, version), func(t *testing.T) {
				p := newPrivileged(t, version, c.mode, c.grants)
				if text, code := check(p.setup, t); code != 0 {
					t.Fatalf("rdip check: exit code %d\n%s", code, text)
				}
				run := p.setup.Start(t)
				run.WaitFor(t, "state=streaming")
				p.sql(t, "UPDATE shop.orders SET note = 'b'; INSERT INTO shop.lines VALUES (1)")
				prefix := p.setup.Keys["connectors.shop.topic.prefix"]
				schemas := &harness.RegistrySchemas{URL: testenv.SharedRegistry(t).URL(), ByID: map[int32]string{}}
				if got := await(t, testenv.SharedKafka(t), schemas, prefix+".shop.orders", 2); len(got) != 2 {
					t.Errorf("%d records", len(got))
				}
				await(t, testenv.SharedKafka(t), schemas, prefix+".shop.lines", 1)
				if code := run.Stop(t); code != 0 {
					t.Errorf("rdip ended with exit code %d", code)
				}
			})
		}
	}
}

// Each missing grant has its message, and the fix that it gives, run as it stands, mends it.
func TestEachMissingGrantIsNamedWithItsFix(t *testing.T) {
	const disabled, filtered = "disabled", "filtered"
	cases := []struct {
		name, mode, revoke string
		says               []string
		fix                string // as the message has it
		also               string // what the owner of the fix has to run as well
	}{
		{"REPLICATION", disabled, "ALTER ROLE {role} NOREPLICATION", []string{"lacks REPLICATION"}, `ALTER ROLE "{role}" REPLICATION`, ""},
		{"LOGIN", disabled, "ALTER ROLE {role} NOLOGIN", []string{"{role}", "not permitted to log in"}, `ALTER ROLE "{role}" LOGIN`, ""},
		{"CONNECT on the database", disabled, "REVOKE CONNECT ON DATABASE {database} FROM {role}", []string{"permission denied for database"}, `GRANT CONNECT ON DATABASE "{database}" TO "{role}"`, ""},
		{"USAGE of a schema", disabled, "REVOKE USAGE ON SCHEMA shop FROM {role}", []string{`schema "shop"`, "lacks USAGE"}, `GRANT USAGE ON SCHEMA "shop" TO "{role}"`, ""},
		{"SELECT on a table", disabled, "REVOKE SELECT ON shop.lines FROM {role}", []string{"table shop.lines", "lacks SELECT"}, `GRANT SELECT ON "shop"."lines" TO "{role}"`, ""},
		{"BYPASSRLS, where a table has policies", disabled, "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY", []string{"table shop.orders", "row-level security"}, `ALTER ROLE "{role}" BYPASSRLS`, ""}, // P63
		{"the publication", disabled, "DROP PUBLICATION rdip", []string{`publication "rdip"`, "does not exist"}, // P57
			`CREATE PUBLICATION "rdip" FOR TABLE ONLY "shop"."lines", ONLY "shop"."orders" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = false)`, ""},
		{"a table of the publication", disabled, "ALTER PUBLICATION rdip DROP TABLE shop.lines", []string{"it lacks shop.lines"}, `ALTER PUBLICATION "rdip" ADD TABLE ONLY "shop"."lines"`, ""},
		{"an operation of the publication", disabled, "ALTER PUBLICATION rdip SET (publish = 'insert')", []string{"does not publish update, delete, truncate"}, `ALTER PUBLICATION "rdip" SET (publish = 'insert, update, delete, truncate')`, ""},
		{"a replica identity", disabled, "ALTER TABLE shop.lines DROP CONSTRAINT lines_pkey; ALTER PUBLICATION rdip DROP TABLE shop.lines", []string{"no primary key and no other replica identity"}, // P6
			`ALTER TABLE "shop"."lines" REPLICA IDENTITY FULL`, "ALTER PUBLICATION rdip ADD TABLE shop.lines"},
		{"CREATE on the database", filtered, "REVOKE CREATE ON DATABASE {database} FROM {role}", []string{"lacks CREATE on database"}, `GRANT CREATE ON DATABASE "{database}" TO "{role}"`, ""},
		{"ownership of the tables", filtered, "REVOKE {owner} FROM {role}; GRANT USAGE ON SCHEMA shop TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {role}", []string{"does not own shop.lines, shop.orders"},
			`CREATE PUBLICATION "rdip" FOR TABLE ONLY "shop"."lines", ONLY "shop"."orders" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = false)`, ""},
	}
	grants := map[string]string{disabled: leastGrants, filtered: publisherGrants}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPrivileged(t, 15, c.mode, grants[c.mode])
			p.sql(t, c.revoke)
			text, code := check(p.setup, t)
			if code != 3 {
				t.Errorf("exit code %d, want 3", code)
			}
			named := strings.NewReplacer("{role}", p.role, "{database}", p.database)
			for _, say := range append(c.says, c.fix) {
				if !strings.Contains(text, named.Replace(say)) {
					t.Errorf("rdip check does not say %q:\n%s", named.Replace(say), text)
				}
			}
			if t.Failed() {
				return
			}
			p.sql(t, c.fix)
			p.sql(t, c.also)
			if text, code := check(p.setup, t); code != 0 {
				t.Errorf("with the fix made, exit code %d:\n%s", code, text)
			}
		})
	}
}
