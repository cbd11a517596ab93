package postgres

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/readers"
)

func TestACheckTriesTheHeartbeatsStatementWithoutRunningIt(t *testing.T) { // P43
	s := onServer(t, 15, oneTable+"; CREATE TABLE beats (at timestamptz); CREATE TABLE closed (at timestamptz)")
	user := s.user(t, "REPLICATION")
	s.exec(t, "GRANT SELECT ON t TO "+user+"; GRANT INSERT ON beats TO "+user)
	s.cfg.User = user
	for query, want := range map[string]string{
		"INSERT INTO beats VALUES (now())":                                   "",
		"INSERT INTO public.beats VALUES (now())":                            "",
		"INSERT INTO beets VALUES (now())":                                   `relation "beets" does not exist`,
		"INSERT INTO beats (on_time) VALUES (now())":                         `column "on_time" of relation "beats" does not exist`,
		"INSERT INTO closed VALUES (now())":                                  "permission denied for table closed",
		"INSERT INTO elsewhere.beats VALUES (now())":                         "elsewhere",
		"SELECT pulse()":                                                     "function pulse() does not exist",
		"INSERT INTO beats VALUES (now()); INSERT INTO beats VALUES (now())": "",
		"ANALYZE INSERT INTO beats VALUES (now())":                           "",
	} {
		t.Run(query, func(t *testing.T) {
			s.cfg.HeartbeatActionQuery = query
			fs := s.reader(t).Check(t.Context())
			at := slices.IndexFunc(fs, func(f fault.Finding) bool { return f.Where == "heartbeat.action.query" })
			switch {
			case want == "" && at >= 0:
				t.Errorf("found %v", fs[at])
			case want != "" && (at < 0 || fs[at].Severity != fault.Warning || !strings.Contains(fs[at].Seen, want)):
				t.Errorf("found %v, want a warning: %s", fault.Findings(fs), want)
			}
			if got := s.ask(t, "SELECT count(*) FROM beats"); got != "0" {
				t.Errorf("the check ran the statement: %s rows", got)
			}
		})
	}
}

// Debezium runs the statement with the role's own search_path, in which tables need no schema.
func TestTheHeartbeatsStatementFindsTablesAsTheRoleDoes(t *testing.T) { // P43
	s := onServer(t, 15, oneTable+"; CREATE TABLE beats (at timestamptz)")
	s.cfg.TableInclude = patterns(t, `public\.t`)
	s.cfg.HeartbeatInterval, s.cfg.HeartbeatActionQuery = 50*time.Millisecond, "INSERT INTO beats VALUES (now())"
	r, resume := s.open(t, readers.Stored{})
	ctx, cancel := withCause(t)
	done := make(chan error, 1)
	go func() { done <- r.Stream(ctx, resume.From, &recorder{}) }()
	eventually(t, "the statement has run", func() bool { return s.ask(t, "SELECT count(*) > 0 FROM beats") == "true" })
	cancel(errStop)
	if err := <-done; err == nil {
		t.Error("the stream ended by itself")
	}
}
