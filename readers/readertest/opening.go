package readertest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/readers"
)

var opening = []scenario{
	{"Check finds nothing in a database that is fit, and changes nothing", checkOfAFitDatabase},
	{"Check finds what is missing, says how to mend it, and changes nothing", checkOfAnUnfitDatabase},
	{"a first start asks for a snapshot (G6)", firstStart},
	{"the identity is kept before anything is made (D1)", identityKeptFirst},
	{"a first start that was cut off goes on (D1)", firstStartCutOff},
	{"a stored position is resumed as it is", storedPositionResumed},
	{"a snapshot that is closed unread leaves nothing behind", snapshotClosedUnread},
	{"a Reader that was never opened can be closed, and any can be closed twice", closedTwice},
	{"Open ends with its context", openEndsWithItsContext},
	{"a position of another server is lost for good, with a hint (G7, P61)", positionOfAnotherServer},
	{"an identity that nobody wrote is lost for good, with a hint (G7)", identityThatNobodyWrote},
	{"a position that the source no longer serves is lost for good, with a hint (G7)", positionGivenUp},
}

func fatal(fs []fault.Finding) []fault.Finding {
	return slices.DeleteFunc(slices.Clone(fs), func(f fault.Finding) bool { return f.Severity != fault.Fatal })
}

// expectSameFootprint: what was made at the source is still the same.
func (s *scene) expectSameMade(before Footprint) {
	s.t.Helper()
	if after := s.db.Footprint(s.t); !slices.Equal(before.Made, after.Made) {
		s.t.Errorf("there was %q, and now there is %q", before.Made, after.Made)
	}
}

// expectNothingHeld: the source needs a moment to notice that a connection has ended.
func (s *scene) expectNothingHeld() {
	s.t.Helper()
	eventually(s.t, "nothing is held at the source", func() bool { return len(s.db.Footprint(s.t).Held) == 0 })
}

func checkOfAFitDatabase(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	before := s.db.Footprint(t)
	if len(before.Made)+len(before.Held) > 0 {
		t.Fatalf("a database that no Reader has touched has %+v", before)
	}
	if fs := fatal(s.reader().Check(t.Context())); len(fs) > 0 {
		t.Errorf("before the first start: %v", fault.Findings(fs))
	}
	s.expectSameMade(before)
	r, _ := s.begin()
	s.close(r)
	before = s.db.Footprint(t)
	if len(before.Made) == 0 {
		t.Log("a first start makes nothing at this source")
	}
	if fs := fatal(s.reader().Check(t.Context())); len(fs) > 0 {
		t.Errorf("after the first start: %v", fault.Findings(fs))
	}
	s.expectSameMade(before)
	s.expectNothingHeld()
}

func checkOfAnUnfitDatabase(t *testing.T, subject *Subject) {
	for _, c := range subject.Faults {
		t.Run(c.Name, func(t *testing.T) {
			s := newScene(t, subject)
			for _, sql := range c.SQL {
				s.sql.Exec(sql)
			}
			before := s.db.Footprint(t)
			fs := fatal(s.reader().Check(t.Context()))
			at := slices.IndexFunc(fs, func(f fault.Finding) bool { return f.Case == c.Case })
			if at < 0 {
				t.Fatalf("nothing cites %s: %v", c.Case, fault.Findings(fs))
			}
			if f := fs[at]; f.Where == "" || f.Seen == "" || f.Fix == "" {
				t.Errorf("it does not say where, what and the fix: %+v", f)
			}
			s.expectSameMade(before)
			if _, err := s.reader().Open(t.Context(), readers.Stored{}); !fault.IsPermanent(err) {
				t.Errorf("Open says %v", err)
			}
			s.expectSameMade(before)
		})
	}
}

func firstStart(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, resume := s.open(readers.Stored{})
	source := r.Snapshot()
	if !resume.Snapshot || resume.Again || resume.Identity == "" || resume.From.IsZero() || source == nil {
		t.Fatalf("opened with %+v, and the snapshot %v", resume, source)
	}
	if source.Position() != resume.From {
		t.Errorf("the snapshot goes on at %v, the stream at %v", source.Position(), resume.From)
	}
}

func identityKeptFirst(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	before := s.db.Footprint(t)
	kept := ""
	_, err := s.reader().Open(t.Context(), readers.Stored{Keep: func(identity string) error {
		kept = identity
		s.expectSameMade(before)
		return errStop
	}})
	if !errors.Is(err, errStop) || kept == "" {
		t.Errorf("kept %q, and then %v", kept, err)
	}
	s.expectSameMade(before)
}

func firstStartCutOff(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.Insert("t", Row{1, "one"})
	kept := ""
	keep := func(identity string) error { kept = identity; return nil }
	first, _ := s.open(readers.Stored{Keep: keep}) // and then the process dies
	s.close(first)
	s.sql.Delete("t", 1)
	s.sql.Insert("t", Row{2, "two"})
	state := table{}
	s.converge(readers.Stored{Identity: kept, Keep: keep}, state)
	state.expect(t, table{"2": "two"})
}

func storedPositionResumed(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	s.close(r)
	again, resume := s.open(stored)
	if resume.Snapshot || resume.Again || resume.From != stored.Position || resume.Identity != stored.Identity || again.Snapshot() != nil {
		t.Errorf("opened with %+v, stored was %+v", resume, stored)
	}
}

func snapshotClosedUnread(t *testing.T, subject *Subject) {
	for name, let := range map[string]func(*scene, readers.Reader){
		"by its own Close":  func(s *scene, r readers.Reader) { _ = r.Snapshot().Close(t.Context()); s.close(r) },
		"with its Reader":   func(s *scene, r readers.Reader) { s.close(r) },
		"after it was read": func(s *scene, r readers.Reader) { s.copied(r, 2); s.close(r) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, subject)
			s.sql.createPairs("t")
			r, resume := s.open(readers.Stored{})
			source := r.Snapshot()
			let(s, r)
			s.expectNothingHeld()
			runtime.KeepAlive(source) // or the garbage collector may close what Close forgot
			s.sql.Insert("t", Row{1, "a"})
			s.expect(s.resumed(readers.Stored{Identity: resume.Identity, Position: resume.From, SnapshotDone: true}, s.mark()), "c t(1,a)")
		})
	}
}

func closedTwice(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.reader() // closed twice with the test, as every Reader of the suite is
	r, _ := s.begin()
	s.close(r)
	s.expectNothingHeld()
}

func openEndsWithItsContext(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if _, err := s.reader().Open(ctx, readers.Stored{}); err == nil {
		t.Error("it was opened")
	}
	if took := time.Since(began); took > promptly {
		t.Errorf("it took %s", took)
	}
	s.expectNothingHeld()
}

func positionOfAnotherServer(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	r, stored := s.begin()
	s.close(r)
	s.expectRefused(s.db.Foreign(stored))
}

func identityThatNobodyWrote(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	r, stored := s.begin()
	s.close(r)
	for _, identity := range []string{"?", "{}", "null", stored.Identity[:len(stored.Identity)/2]} {
		s.expectRefused(readers.Stored{Identity: identity, Position: stored.Position, SnapshotDone: true})
	}
}

func positionGivenUp(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	s.close(r)
	s.sql.Insert("t", Row{1, "lost"})
	s.expectNothingHeld()
	s.db.Lose(t)
	s.expectRefused(stored)
	s.expectRefused(readers.Stored{Identity: stored.Identity, SnapshotBegan: true})
	expectLost(t, s.stream(s.reader(), stored.Position, newTape(0)).wait())
}

// expectRefused: a stored state is a lost position, and nothing is made in place of what was lost.
func (s *scene) expectRefused(stored readers.Stored) {
	s.t.Helper()
	before := s.db.Footprint(s.t)
	_, err := s.reader().Open(s.t.Context(), stored)
	expectLost(s.t, err)
	s.expectSameMade(before)
}
