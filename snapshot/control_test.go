package snapshot_test

import (
	"testing"
	"time"

	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

var anyTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func keyed(name string, oid uint64) *schema.Table {
	return &schema.Table{Schema: "public", Name: name, OID: oid, Key: []int{0}, Columns: make([]schema.Column, 1)}
}

// P18, P57, P58: what is to be read follows from what is stored and what is captured now.
func TestTablesThatCameOrWereReplacedAreReadAndThoseGoneAreForgotten(t *testing.T) {
	finished := offsets.TableSnapshot{OID: 1, Why: offsets.WhyInitial, Finished: anyTime}
	half := offsets.TableSnapshot{OID: 1, Why: offsets.WhyInitial, Plan: "{}", Chunks: 2}
	for name, c := range map[string]struct {
		stored map[string]offsets.TableSnapshot
		terms  snapshot.Terms
		left   bool
		why    offsets.Why
	}{
		"a first start that was cut off before its plan": {left: true, why: offsets.WhyInitial},
		"the first start after an upgrade, all read":     {terms: snapshot.Terms{Done: true}, why: offsets.WhyInitial},
		"a table that came":                              {terms: snapshot.Terms{Known: true, Done: true}, left: true, why: offsets.WhyAdded},
		"a table that came, and no data is wanted":       {terms: snapshot.Terms{Known: true, NoData: true}, why: offsets.WhyInitial},
		"a table that was read":                          {stored: map[string]offsets.TableSnapshot{"public.t": finished}, terms: snapshot.Terms{Known: true, Done: true}, why: offsets.WhyInitial},
		"a table half read":                              {stored: map[string]offsets.TableSnapshot{"public.t": half}, terms: snapshot.Terms{Known: true}, left: true, why: offsets.WhyInitial},
		"another table under its name (P18)": {stored: map[string]offsets.TableSnapshot{"public.t": {OID: 9, Finished: anyTime}},
			terms: snapshot.Terms{Known: true, Done: true}, left: true, why: offsets.WhyAdded},
		"every table again": {stored: map[string]offsets.TableSnapshot{"public.t": finished}, terms: snapshot.Terms{Known: true, Done: true, Again: true}, left: true, why: offsets.WhyAsked},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshot.NewReadings(c.stored, nil)
			s.Reconcile([]*schema.Table{keyed("t", 1)}, c.terms)
			got := s.Records()["public.t"]
			if got.Left() != c.left || got.Why != c.why || got.OID != 1 || (s.Left() == 1) != c.left {
				t.Errorf("%+v, %d left", got, s.Left())
			}
		})
	}
	t.Run("a table is logged by something else than it was (P58)", func(t *testing.T) {
		captured := []*schema.Table{keyed("t", 1)}
		by := func(entry string, noData bool) snapshot.Terms {
			return snapshot.Terms{Known: true, Done: true, NoData: noData, Logged: map[string]string{"public.t": entry}}
		}
		for name, c := range map[string]struct {
			was, is      string
			noData       bool
			missed, left bool
		}{
			"the same":                            {was: "1", is: "1"},
			"another":                             {was: "1", is: "2", missed: true, left: true},
			"another, and no data is wanted":      {was: "1", is: "2", noData: true, missed: true},
			"nothing is known of what it was":     {is: "2"},
			"the source does not tell what it is": {was: "1"},
		} {
			record := finished
			record.Logged = c.was
			s := snapshot.NewReadings(map[string]offsets.TableSnapshot{"public.t": record}, nil)
			added, missed := s.Reconcile(captured, by(c.is, c.noData))
			if len(added) != 0 || (len(missed) == 1) != c.missed || (s.Left() == 1) != c.left {
				t.Errorf("%s: %v came, %v missed, %d left", name, added, missed, s.Left())
			}
			if _, missed = s.Reconcile(captured, by(c.is, c.noData)); len(missed) != 0 {
				t.Errorf("%s: missed again", name)
			}
			if err := s.Ask([]snapshot.Asked{{Table: "public.t", Anew: true}}, captured, "a person", nil); err != nil {
				t.Fatal(err)
			}
			if got := s.Records()["public.t"].Logged; got != c.is && c.is != "" {
				t.Errorf("%s: once it is asked for, %q is known of it", name, got)
			}
		}
	})
	t.Run("a table that is gone", func(t *testing.T) {
		s := snapshot.NewReadings(map[string]offsets.TableSnapshot{"public.gone": half}, nil)
		s.Reconcile(nil, snapshot.Terms{Known: true})
		changed, stored := s.Changed(nil)
		if record, ok := changed["public.gone"]; !ok || record != nil || s.Left() != 0 {
			t.Errorf("changed %v, %d left", changed, s.Left())
		}
		stored()
		if changed, _ = s.Changed(nil); len(changed) != 0 {
			t.Errorf("to be stored again: %v", changed)
		}
	})
}

// By hand: asked for, paused over a restart, resumed, stopped; what does not fit is refused by name.
func TestTablesAreAskedForPausedResumedAndStopped(t *testing.T) {
	captured := []*schema.Table{keyed("t", 1), {Schema: "public", Name: "nokey", OID: 2}}
	s := snapshot.NewReadings(map[string]offsets.TableSnapshot{"public.t": {OID: 1, Finished: anyTime}}, nil)
	ask := func(a snapshot.Asked) error { return s.Ask([]snapshot.Asked{a}, captured, "a test", nil) }
	for name, a := range map[string]snapshot.Asked{"a table that is not captured": {Table: "public.other"},
		"keys of a table without any": {Table: "public.nokey", Keys: [][]string{{"1"}}}} {
		if err := ask(a); err == nil || s.Left() != 0 {
			t.Errorf("%s: %v, %d left", name, err, s.Left())
		}
	}
	if err := s.Pause("public.t"); err == nil {
		t.Error("a table that is not being read was paused")
	}
	if err := ask(snapshot.Asked{Table: "public.t", Where: "id > 7"}); err != nil || s.Left() != 1 {
		t.Fatalf("%v, %d left", err, s.Left())
	}
	if err := ask(snapshot.Asked{Table: "public.t", Where: "id > 7"}); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := ask(snapshot.Asked{Table: "public.t"}); err == nil {
		t.Error("another snapshot of a table that is being read was taken")
	}
	if err := ask(snapshot.Asked{Table: "public.t", Anew: true}); err != nil || s.Records()["public.t"].Where != "" {
		t.Errorf("what is under way is void: %v, %+v", err, s.Records())
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	again := snapshot.NewReadings(s.Records(), nil)
	if r := again.Report(); len(r.Tables) != 1 || r.Tables[0].State != snapshot.ReadingPaused || r.Ended {
		t.Errorf("after a restart: %+v", r)
	}
	if err := again.Resume("public.t"); err != nil || again.Report().Tables[0].State != snapshot.ReadingQueued {
		t.Errorf("%v, %+v", err, again.Report())
	}
	if err := again.Stop("public.t"); err != nil || again.Left() != 0 || !again.Records()["public.t"].Stopped {
		t.Errorf("%v, %+v", err, again.Records())
	}
}
