package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

func offsetsAt(place uint64) offsets.Position { return offsets.Position{Place: place} }

func TestReplicaIdentitiesAreSetAsAskedBeforeAnythingIsPublished(t *testing.T) { // P6, P5
	for _, major := range []int{14, 18} {
		s := onServer(t, major, `CREATE TABLE "No Key"(a text); CREATE TABLE i(a int NOT NULL, b int PRIMARY KEY); CREATE UNIQUE INDEX "i A" ON i(a); CREATE TABLE d(a int PRIMARY KEY); ALTER TABLE d REPLICA IDENTITY FULL; CREATE TABLE e(a int PRIMARY KEY)`)
		s.cfg.Identities = `public\.No.Key:full, public.i:INDEX "i`
		if err := checkIdentities(s.cfg.Identities); err != nil {
			t.Fatal(err)
		}
		s.cfg.Identities = `public\.No.Key:full,public.d:DEFAULT,public.i:INDEX i_a`
		s.exec(t, `ALTER INDEX "i A" RENAME TO i_a`)
		if err := fault.Findings(s.reader(t).Check(t.Context())).Err(); err != nil {
			t.Errorf("the check: %v", err)
		}
		stored := s.begun(t)
		if got := s.ask(t, "SELECT string_agg(relname || relreplident::text, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"); got != "dd ed if No Keyf" && got != "No Keyf dd ed ii" {
			t.Errorf("the identities are %s", got)
		}
		_, resume := s.open(t, stored)
		for _, f := range resume.Notices {
			if strings.Contains(f.Seen, "was set") {
				t.Errorf("it was set again: %s", f.Seen)
			}
		}
	}
}

func TestAReplicaIdentityThatTheRoleMayNotSetIsNamedWithItsStatement(t *testing.T) {
	s := onServer(t, 16, "CREATE TABLE t(a int PRIMARY KEY); CREATE PUBLICATION p FOR ALL TABLES")
	user := s.user(t, "REPLICATION")
	s.exec(t, "GRANT SELECT ON t TO "+user)
	s.cfg.User, s.cfg.PublicationName, s.cfg.PublicationMode = user, "p", PublicationDisabled
	s.cfg.Identities = "public.t:FULL"
	s.refuse(t, readers.Stored{}, fault.Preflight, "replica identity of table public.t", `ALTER TABLE ONLY "public"."t" REPLICA IDENTITY FULL`, "42501")
	s.cfg.Identities = "public.t:FULL,public.*:DEFAULT"
	s.refuse(t, readers.Stored{}, fault.Configuration, "public.t", "more than one expression")
}

// A table that is in use is not waited for with the strongest lock in the queue, behind which the application would wait too.
func TestAReplicaIdentityWaitsForItsTableInBoundsAndNamesTheHolder(t *testing.T) {
	s := onServer(t, 16, "CREATE TABLE t(a int PRIMARY KEY)")
	s.cfg.Identities = "public.t:FULL"
	holder, err := s.server.Connect(t.Context(), s.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(t.Context())
	if _, err := holder.Exec(t.Context(), "SET application_name = 'reports'; BEGIN; SELECT FROM t", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	r := s.reader(t)
	_, err = r.Open(t.Context(), readers.Stored{})
	expectFault(t, err, fault.Runtime, false, "replica identity of table public.t", "(reports)", fmt.Sprint(holder.PgConn().PID()), "tried again")
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.exec(t, "SET lock_timeout = '100ms'; SELECT FROM t")
	if _, err := holder.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	s.open(t, readers.Stored{})
	if got := s.ask(t, "SELECT relreplident FROM pg_class WHERE relname = 't'"); got != "f" {
		t.Errorf("the identity is %s", got)
	}
}

func TestIdentitiesThatMakeNoSenseAreRefused(t *testing.T) {
	for _, text := range []string{"public.t", "public.t:SOME", "public.t:INDEX", "(:FULL", "public.t:FULL,,"} {
		if checkIdentities(text) == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// P62: the gap is named, and passed only where that is asked for.
func TestASlotAheadOfTheStoredPositionIsTrustedOnlyWhenAsked(t *testing.T) {
	s := onServer(t, 17, oneTable)
	stored := s.begun(t)
	s.exec(t, "INSERT INTO t VALUES (60, 'in the gap')")
	s.exec(t, "SELECT pg_replication_slot_advance("+quoteLiteral(s.cfg.SlotName)+", pg_current_wal_lsn())")
	s.exec(t, "INSERT INTO t VALUES (61, 'behind it')")
	s.refuse(t, stored, fault.PositionLost, "P62")
	for _, strategy := range []Mismatch{TrustSlot, TrustGreater} {
		s.cfg.Mismatch = strategy
		r, resume := s.open(t, stored)
		expectFinding(t, resume.Notices, fault.Warning, "P62", "trust_offset")
		if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{"c public.t after(61,behind it)"}) {
			t.Errorf("%s: the stream has %q", strategy, got)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatTheServerIsTooOldForIsRefusedByName(t *testing.T) {
	s := onServer(t, 14, oneTable)
	s.cfg.TwoPhase, s.cfg.Origins, s.cfg.Failover = true, OriginNone, true
	s.refuse(t, readers.Stored{}, fault.Preflight, "two.phase", "origin", "slot.failover", "PostgreSQL 14", "15 or later", "16 or later", "17 or later")
}

// P37: a slot stays with two-phase commit once it was used so.
func TestASlotOfTwoPhaseCommitIsNotReadWithoutIt(t *testing.T) {
	for _, major := range []int{15, 18} {
		s := onServer(t, major, oneTable)
		s.cfg.TwoPhase = true
		stored := s.begun(t)
		if got := s.askSlot(t, "two_phase"); got != "true" {
			t.Errorf("two_phase is %s", got)
		}
		s.cfg.TwoPhase = false
		s.refuse(t, stored, fault.Preflight, "P37", "two.phase: true")
	}
}

// What a subscriber has received from elsewhere carries an origin, and is left out on request.
func TestChangesOfOtherOriginsAreLeftOutWhenAsked(t *testing.T) {
	s := onServer(t, 16, oneTable)
	s.cfg.Origins = OriginNone
	stored := s.begun(t)
	name := quoteLiteral("o " + s.cfg.Database)
	s.exec(t, "SELECT pg_replication_origin_create("+name+")")
	defer s.exec(t, "SELECT pg_replication_origin_session_reset(); SELECT pg_replication_origin_drop("+name+")")
	s.exec(t, "INSERT INTO t VALUES (70, 'here')")
	s.exec(t, "SELECT pg_replication_origin_session_setup("+name+")")
	s.exec(t, "INSERT INTO t VALUES (71, 'elsewhere')")
	s.exec(t, "SELECT pg_replication_origin_session_reset()")
	r, resume := s.open(t, stored)
	if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{"c public.t after(70,here)"}) {
		t.Errorf("the stream has %q", got)
	}
	s.exec(t, "SELECT pg_replication_origin_session_setup("+name+")")
}

func TestStreamParametersStandForTheirKeys(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "1 off false any",
		"proto_version=2;streaming=on":    "2 on false any",
		" two_phase = true ; origin=none": "3 off true none",
		"streaming='off';binary=false;messages=true": "1 off false any",
	} {
		c := Config{}
		c.Definition()
		c.Params = text
		if seen, _, _ := c.applyParams(); seen != "" {
			t.Errorf("%q: %s", text, seen)
		}
		got := strings.Join([]string{string(rune('0' + c.protocol())), string(c.Streaming), map[bool]string{true: "true", false: "false"}[c.TwoPhase], string(c.Origins)}, " ")
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"include-lsn=true", "proto_version=9", "streaming=parallel", "binary=true", "messages=false", "add-tables=public.t", "publication_names=x", "two_phase=perhaps", "origin=x"} {
		c := Config{}
		c.Definition()
		c.Params = text
		if seen, _, fix := c.applyParams(); seen == "" || !strings.Contains(fix, "remove ") {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestATimelineHistoryIsReadAsTheServerWritesIt(t *testing.T) {
	h, err := parseHistory("1\t0/5000028\tno recovery target specified\n\n# comment\n2\t1/A0\tbefore x\n")
	if err != nil || len(h) != 2 || h[1] != 0x5000028 || h[2] != 1<<32|0xA0 {
		t.Errorf("%v, %v", h, err)
	}
	for _, text := range []string{"x\t0/1\n", "1\n", "1 zz\n"} {
		if _, err := parseHistory(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
