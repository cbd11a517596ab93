package postgres

import (
	"strings"
	"testing"

	"rdip/internal/fault"
)

// P19: where tables swap their names, the publication goes on with the table that has another name now, and the
// log says nothing of the one that took it. A look at the server does, with what mends it.
func TestATableThatTookTheNameOfAnotherIsNoticedThoughTheLogIsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		mode PublicationMode
		fix  string
	}{
		"rdip's own publication":       {PublicationFiltered, "rdip restart CONNECTOR"},
		"an administrator's, who adds": {PublicationDisabled, `ADD TABLE ONLY "public"."t"; then rdip restart CONNECTOR`},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 18, oneTable+"; CREATE TABLE fresh (id int PRIMARY KEY, v text)")
			s.cfg.TableInclude = patterns(t, `public\.t`)
			s.begun(t)
			s.cfg.PublicationMode = c.mode
			if got := s.uncovered(t); len(got) != 0 {
				t.Fatalf("before the swap: %v", got)
			}
			s.exec(t, "BEGIN; ALTER TABLE t RENAME TO t_old; ALTER TABLE fresh RENAME TO t; COMMIT")
			got := s.uncovered(t)
			if len(got) != 1 || got[0].Where != "table public.t" || got[0].Case != "P19" || !strings.Contains(got[0].Fix, c.fix) {
				t.Errorf("after the swap: %v", got)
			}
			s.exec(t, "ALTER PUBLICATION "+quoteIdentifier(s.cfg.PublicationName)+" ADD TABLE ONLY t")
			if got := s.uncovered(t); len(got) != 0 {
				t.Errorf("once it is published: %v", got)
			}
		})
	}
}

// A table that the filters leave out, and one that no log has, are nobody's worry.
func TestTablesThatAreNotChosenMayBeUnpublished(t *testing.T) {
	s := onServer(t, 15, oneTable+"; CREATE TABLE left_out (id int)")
	s.cfg.TableInclude = patterns(t, `public\.(t|u).*`)
	s.begun(t)
	s.exec(t, "CREATE UNLOGGED TABLE u (id int PRIMARY KEY); CREATE TABLE other (id int)")
	if got := s.uncovered(t); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func (s *openServer) uncovered(t *testing.T) []fault.Finding {
	t.Helper()
	look, err := LookAt(t.Context(), s.cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return look.Uncovered
}
