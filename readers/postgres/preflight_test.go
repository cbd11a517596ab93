package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/readers"
)

func TestACheckOfAServerThatIsReadyFindsNothingFatal(t *testing.T) {
	versions(t, func(t *testing.T, major int) {
		s := onServer(t, major, oneTable)
		fs := fault.Findings(s.reader(t).Check(t.Context()))
		if err := fs.Err(); err != nil {
			t.Error(err)
		}
		if got := s.ask(t, "SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())"); got != "0" {
			t.Error("the check has made something")
		}
		expectFinding(t, fs, fault.Notice, "P68", "max_slot_wal_keep_size")
	})
}

func TestACheckReportsEveryFindingAtOnceWithItsFix(t *testing.T) {
	s := onServer(t, 15, `CREATE SCHEMA "S'1"; CREATE TABLE "S'1"."no key" (id int); CREATE TABLE "S'1"."secret" (id int PRIMARY KEY);
		ALTER TABLE "S'1"."secret" ENABLE ROW LEVEL SECURITY; CREATE UNLOGGED TABLE "S'1".unlogged (id int PRIMARY KEY);
		CREATE TABLE "S'1".parted (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE "S'1".elsewhere PARTITION OF "S'1".parted DEFAULT`)
	user := s.user(t, "")
	s.cfg.User = user
	s.cfg.TableExclude = patterns(t, `.*\.elsewhere`)
	fs := s.reader(t).Check(t.Context())
	for _, c := range []struct {
		severity fault.Severity
		id, fix  string
	}{
		{fault.Fatal, "", "ALTER ROLE " + quoteIdentifier(user) + " REPLICATION"},
		{fault.Fatal, "P6", `ALTER TABLE "S'1"."no key" REPLICA IDENTITY FULL`},
		{fault.Fatal, "P12", "publish.via.partition.root: true"},
		{fault.Fatal, "", `GRANT USAGE ON SCHEMA "S'1" TO ` + quoteIdentifier(user)},
		{fault.Fatal, "", `GRANT SELECT ON "S'1"."no key" TO ` + quoteIdentifier(user)},
		{fault.Fatal, "P63", "ALTER ROLE " + quoteIdentifier(user) + " BYPASSRLS"},
		{fault.Warning, "", `ALTER TABLE "S'1"."unlogged" SET LOGGED`},
		{fault.Fatal, "", "GRANT CREATE ON DATABASE"},
		{fault.Fatal, "", `CREATE PUBLICATION "pub""l'ish, \ed" FOR TABLE ONLY "S'1"."no key", ONLY "S'1"."secret" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = false)`},
	} {
		expectFinding(t, fs, c.severity, c.id, c.fix)
	}
}

func TestTheFixesOfACheckMendWhatItFound(t *testing.T) {
	s := onServer(t, 15, `CREATE SCHEMA "S'1"; CREATE TABLE "S'1"."no key" (id int); CREATE TABLE "S'1".walled (id int PRIMARY KEY); ALTER TABLE "S'1".walled ENABLE ROW LEVEL SECURITY`)
	s.cfg.User = s.user(t, "")
	for _, f := range s.reader(t).Check(t.Context()) {
		if f.Severity != fault.Fatal {
			continue
		}
		sql := f.Fix
		if _, after, byHand := strings.Cut(sql, "as a superuser or the owner: "); byHand {
			sql = after
		}
		if strings.HasPrefix(sql, "CREATE PUBLICATION") && s.ask(t, "SELECT count(*) FROM pg_publication") == "1" {
			continue // two findings have the same fix
		}
		s.exec(t, sql)
	}
	fs := fault.Findings(s.reader(t).Check(t.Context()))
	if err := fs.Err(); err != nil {
		t.Fatalf("with every fix made:\n%v", err)
	}
	r, _ := s.open(t, readers.Stored{})
	copied(t, r, 1)
}

func TestServersThatCannotDecodeAreNamed(t *testing.T) {
	server := testenv.Postgres(t, pgserver.Options{Version: 15, Settings: map[string]string{
		"wal_level": "replica", "max_replication_slots": "1", "max_wal_senders": "1", "wal_sender_timeout": "1s"}})
	s := newOpenServer(t, server, oneTable)
	s.exec(t, "SELECT pg_create_physical_replication_slot('taken')")
	busy, err := (&s.cfg).connect(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(busy)
	fs := s.reader(t).Check(t.Context())
	for _, fix := range []string{"set wal_level=logical in postgresql.conf and restart", "max_replication_slots = 5", "max_wal_senders = 5"} {
		expectFinding(t, fs, fault.Fatal, "", fix)
	}
	expectFinding(t, fs, fault.Warning, "P45", "wal_sender_timeout")
}

func TestADatabaseWithoutAnEncodingIsRefused(t *testing.T) { // P65
	s := onServer(t, 15, oneTable)
	name := testenv.Name("ascii")
	s.exec(t, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
	defer func() {
		if err := s.server.Exec(t.Context(), pgserver.Superuser, "DROP DATABASE "+name); err != nil {
			t.Error(err)
		}
	}()
	s.cfg.Database = name
	expectFinding(t, s.reader(t).Check(t.Context()), fault.Fatal, "P65", "ENCODING 'UTF8'")
}

func TestFiltersThatMatchNoTableAreAnError(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.cfg.TableInclude = patterns(t, `public\.missing`)
	s.refuse(t, readers.Stored{}, fault.Preflight, "no table", "table.include.list")
	expectFinding(t, s.reader(t).Check(t.Context()), fault.Fatal, "", "table.include.list")
	if got := s.ask(t, "SELECT count(*) FROM pg_publication"); got != "0" {
		t.Error("a publication was made")
	}
}

func TestATableWithoutIdentityIsNotPublishedUntilAsked(t *testing.T) { // P6
	for name, c := range map[string]struct {
		table  string
		refuse bool
	}{
		"no key":                        {"CREATE TABLE t (id int)", true},
		"no identity in spite of a key": {"CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY NOTHING", true},
		"a unique index is no identity": {"CREATE TABLE t (id int NOT NULL UNIQUE)", true},
		"the whole row":                 {"CREATE TABLE t (id int); ALTER TABLE t REPLICA IDENTITY FULL", false},
		"an index":                      {"CREATE TABLE t (id int NOT NULL); CREATE UNIQUE INDEX i ON t (id); ALTER TABLE t REPLICA IDENTITY USING INDEX i", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, c.table+"; INSERT INTO t VALUES (1)")
			if !c.refuse {
				s.open(t, readers.Stored{})
				s.exec(t, "UPDATE t SET id = 2")
				return
			}
			s.refuse(t, readers.Stored{}, fault.Preflight, "refuses every UPDATE and DELETE", `ALTER TABLE "public"."t" REPLICA IDENTITY FULL`, "publish.without.identity")
			s.exec(t, "UPDATE t SET id = 2")

			s.cfg.PublishWithoutIdentity = true
			_, resume := s.open(t, readers.Stored{})
			expectFinding(t, resume.Notices, fault.Warning, "P6", "REPLICA IDENTITY FULL")
			if _, err := s.sql.Exec(t.Context(), "UPDATE t SET id = 3"); err == nil {
				t.Error("the warning was wrong: the UPDATE went through")
			}
		})
	}
}

func TestDifferencesOfAPublicationAreDetected(t *testing.T) { // P57, P58, P59
	const tables = "CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY); "
	for name, c := range map[string]struct {
		sql  string
		mode PublicationMode
		id   string
		fix  string
	}{
		"missing and not to be made":      {"SELECT 1", PublicationDisabled, "P57", `CREATE PUBLICATION "p" FOR TABLE ONLY "public"."a", ONLY "public"."b"`},
		"too few tables":                  {"CREATE PUBLICATION p FOR TABLE a", PublicationDisabled, "P58", `ALTER PUBLICATION "p" ADD TABLE ONLY "public"."b"`},
		"inserts only":                    {"CREATE PUBLICATION p FOR TABLE a, b WITH (publish = 'insert')", PublicationFiltered, "P59", `ALTER PUBLICATION "p" SET (publish = 'insert, update, delete, truncate')`},
		"a row filter":                    {"CREATE PUBLICATION p FOR TABLE a WHERE (id > 1), b", PublicationFiltered, "P59", `DROP TABLE ONLY "public"."a"`},
		"a column list":                   {"CREATE PUBLICATION p FOR TABLE a (id), b", PublicationFiltered, "P59", `ADD TABLE ONLY "public"."a"`},
		"rows as the partitioned table's": {"CREATE PUBLICATION p FOR ALL TABLES WITH (publish_via_partition_root = true)", PublicationAllTables, "P12", "publish.via.partition.root: true"},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, tables+c.sql)
			s.cfg.PublicationName, s.cfg.PublicationMode = "p", c.mode
			fs := s.reader(t).Check(t.Context())
			expectFinding(t, fs, fault.Fatal, c.id, c.fix)
			s.refuse(t, readers.Stored{}, fault.Preflight, c.fix)
			if got := s.ask(t, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"); got != "0" {
				t.Error("a slot was made in spite of it")
			}
		})
	}
}

func TestATableAddedToTheFiltersIsAddedToThePublication(t *testing.T) { // P58
	s := onServer(t, 15, oneTable+"; CREATE TABLE added (id int PRIMARY KEY)")
	s.cfg.TableInclude = patterns(t, `public\.t`)
	stored := s.begun(t)
	s.cfg.TableInclude = patterns(t, `public\.(t|added)`)
	r, resume := s.open(t, stored)
	if !slices.ContainsFunc(resume.Notices, func(f fault.Finding) bool { return f.Case == "P58" && strings.Contains(f.Seen, "public.added") }) {
		t.Errorf("notices %v", resume.Notices)
	}
	s.exec(t, "INSERT INTO added VALUES (1)")
	if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{"c public.added after(1)"}) {
		t.Errorf("the stream has %q", got)
	}
}

func TestAllTablesArePublishedWhenAsked(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.cfg.PublicationMode = PublicationAllTables
	s.open(t, readers.Stored{})
	if got := s.ask(t, "SELECT puballtables FROM pg_publication WHERE pubname = "+quoteLiteral(s.cfg.PublicationName)); got != "true" {
		t.Errorf("puballtables is %s", got)
	}
}

func TestAPublicationOfTheOwnersIsMadeByAPlainRole(t *testing.T) {
	s := onServer(t, 15, oneTable)
	user := s.user(t, "REPLICATION")
	s.exec(t, fmt.Sprintf("ALTER TABLE t OWNER TO %s; GRANT CREATE ON DATABASE %s TO %[1]s", user, quoteIdentifier(s.cfg.Database)))
	s.cfg.User = user
	if err := fault.Findings(s.reader(t).Check(t.Context())).Err(); err != nil {
		t.Fatal(err)
	}
	r, _ := s.open(t, readers.Stored{})
	if got := copied(t, r, 1).rows["public.t"]; !slices.Equal(got, []string{"r 1,a"}) {
		t.Errorf("the snapshot has %q", got)
	}
}
