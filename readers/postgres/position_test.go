package postgres

import (
	"testing"

	"rdip/offsets"
)

func TestAPositionSurvivesItsText(t *testing.T) {
	for _, place := range []uint64{1, 0x16B3748, 1 << 32, 0xFFFFFFFFFFFFFFFF} {
		p := offsets.Position{Place: place}
		got, err := decodePosition(encodePosition(p))
		if err != nil || got != p {
			t.Errorf("%x became %s, then %x (%v)", place, encodePosition(p), got.Place, err)
		}
	}
	if got := encodePosition(offsets.Position{Place: 0x1_016B3748}); got != `{"lsn":"1/16B3748"}` {
		t.Errorf("got %s", got)
	}
}

func TestATextThatIsNoPositionIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"no JSON":               "0/16B3748",
		"an unknown field":      `{"lsn":"0/1","gtid":"x"}`,
		"no LSN":                `{}`,
		"one half":              `{"lsn":"16B3748"}`,
		"a half too long":       `{"lsn":"0/123456789"}`,
		"no hexadecimal digits": `{"lsn":"0/xyz"}`,
		"a sign":                `{"lsn":"0/+1"}`,
		"three parts":           `{"lsn":"0/1/2"}`,
		"before the beginning":  `{"lsn":"0/0"}`,
		"text behind it":        `{"lsn":"0/1"} {"lsn":"0/2"}`,
		"a brace behind it":     `{"lsn":"0/1"}}`,
		"a bracket behind it":   `{"lsn":"0/1"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := decodePosition(text); err == nil {
				t.Errorf("it was read as %x", p.Place)
			}
		})
	}
}
