package readertest

import (
	"fmt"
	"testing"

	"rdip/readers"
)

var positions = []scenario{
	{"a position survives its text, and what is no position's text is refused (D10)", positionTexts},
}

// garbage is no position of any database's.
var garbage = []string{"", " ", "null", "{}", "[]", `""`, "0", "true", "garbage", `{"":""}`, "{\"\x00\":1}", `{"position":"0"}`}

func positionTexts(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	r, stored := s.workload()
	for _, tx := range s.captured(r, stored.Position).transactions() {
		text := r.EncodePosition(tx.end)
		again, err := s.db.Reader().DecodePosition(text)
		if err != nil || again != tx.end {
			t.Errorf("%+v became %s, then %+v (%v)", tx.end, text, again, err)
		}
	}
	valid := r.EncodePosition(stored.Position)
	texts := append([]string{valid + "x", valid + "}", valid + "]", valid + valid, valid + " " + valid, "[" + valid + "]"}, garbage...)
	for i := range valid {
		texts = append(texts, valid[:i])
	}
	for _, text := range texts {
		if p, err := r.DecodePosition(text); err == nil {
			t.Errorf("%q was read as %+v", text, p)
		}
	}
}

// FuzzPositions fuzzes a Reader's DecodePosition, which need not be opened: no text makes it panic, and a
// position that it reads survives its text. seeds are valid texts.
func FuzzPositions(f *testing.F, r readers.Reader, seeds ...string) {
	for _, text := range seeds {
		if _, err := r.DecodePosition(text); err != nil {
			f.Fatalf("the seed %q is refused: %v", text, err)
		}
		f.Add(text)
		f.Add(text + text)
		f.Add(text[:len(text)-1])
	}
	for _, text := range garbage {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := r.DecodePosition(text)
		if err != nil {
			return
		}
		if p.IsZero() {
			t.Fatalf("%q was read as no position", text)
		}
		if again, err := r.DecodePosition(r.EncodePosition(p)); err != nil || again != p {
			t.Fatal(fmt.Errorf("%q was read as %+v, and written and read again it is %+v (%w)", text, p, again, err))
		}
	})
}
