package offsets

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestASetOfChunksIsWhatWasAddedAndComesBackFromItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[int]bool{}
		var set Ranges
		for _, i := range rapid.SliceOf(rapid.IntRange(0, 40)).Draw(t, "added") {
			model[i] = true
			set.Add(i)
		}
		text, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		var back Ranges
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if set.Len() != len(model) || back.Len() != len(model) {
			t.Fatalf("%d and %d, of %d", set.Len(), back.Len(), len(model))
		}
		for i := -1; i <= 42; i++ {
			if set.Has(i) != model[i] || back.Has(i) != model[i] {
				t.Fatalf("%d: %v and %v, want %v, in %s", i, set.Has(i), back.Has(i), model[i], text)
			}
		}
	})
}

func TestATextThatIsNoSetOfChunksIsRefused(t *testing.T) {
	for _, text := range []string{`[[1]]`, `[[2,2]]`, `[[3,2]]`, `[[0,4],[3,5]]`, `[[0,4],[4,5]]`, `[[-1,2]]`, `{}`, `[[1,2,3]]`} {
		var r Ranges
		if err := json.Unmarshal([]byte(text), &r); err == nil {
			t.Errorf("%s was read as %v", text, r)
		}
	}
}
