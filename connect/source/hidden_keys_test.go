package source

import (
	"reflect"
	"testing"

	"rdip/offsets"
)

// Of a table whose key is hidden the topic of positions has no value of a key. A start whose file is a copy of the very
// same state has all of it; with an older file, or none, what is not told is read again.
func TestHiddenKeysAreInTheFileAndNotInTheTopic(t *testing.T) {
	done := offsets.Ranges{}
	done.Add(0)
	under := func(rest *offsets.ChunkRest, owed ...[]string) offsets.TableSnapshot {
		return offsets.TableSnapshot{OID: 7, Plan: "{}", Chunks: 3, Done: done, Rest: rest, Owed: owed, Rows: 5}
	}
	place, above := &offsets.ChunkRest{Index: 1, Text: "(7,1)"}, &offsets.ChunkRest{Index: 1, Text: "secret", Keys: true}
	begun := offsets.TableSnapshot{OID: 7, Rows: 5}
	asked, again := under(&offsets.ChunkRest{Index: 1, Text: "secret"}), begun // before the key was hidden, or delivery exactly once
	asked.Keys = [][]string{{"secret"}}
	for name, c := range map[string]struct {
		shown bool // the key is not hidden
		state offsets.TableSnapshot
		told  offsets.TableSnapshot // beside Whole
	}{
		"nothing of keys":            {false, under(place), under(place)},
		"where a reading goes on":    {false, under(above), under(nil)},
		"rows that are owed":         {false, under(place, []string{"secret"}), begun},
		"both":                       {false, under(above, []string{"secret"}), begun},
		"keys that were asked for":   {false, asked, again},
		"both, of a key that is not": {true, under(above, []string{"secret"}), under(above, []string{"secret"})},
	} {
		t.Run(name, func(t *testing.T) {
			g := &ledger{hiddenKeys: map[string]bool{"public.t": !c.shown}}
			file, older := c.state, c.state
			told, before := g.forTopic("public.t", &file), g.forTopic("public.t", &older)
			if whole := reflect.DeepEqual(c.state, c.told); (told.Whole == "") != whole || told.Whole != file.Whole || !whole && before.Whole == told.Whole {
				t.Errorf("the topic has %q, the file %q, and before that it was %q", told.Whole, file.Whole, before.Whole)
			}
			alone := told
			if alone.Whole = ""; !reflect.DeepEqual(alone, c.told) {
				t.Errorf("the topic has %+v", alone)
			}
			for name, one := range map[string]struct{ file, want offsets.TableSnapshot }{"the copy": {file, file}, "an older copy": {older, told}, "none": {offsets.TableSnapshot{}, told}} {
				if file.Whole == "" {
					one.want = told
				}
				k := &known{tables: map[string]offsets.TableSnapshot{"public.t": one.file}, inTopic: offsets.TopicState{Tables: map[string]offsets.TableSnapshot{"public.t": told}}}
				if got := k.whole()["public.t"]; !reflect.DeepEqual(got, one.want) {
					t.Errorf("with %s it goes on from %+v", name, got)
				}
			}
		})
	}
}
