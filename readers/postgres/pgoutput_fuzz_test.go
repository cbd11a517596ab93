package postgres

import (
	"errors"
	"testing"

	"rdip/internal/fault"
)

// FuzzPgoutput puts arbitrary messages into the middle of a session of a real server. Nothing may panic, a
// refusal is permanent and names its place, what is handed over lies within the message, and what is taken
// means the same to pglogrepl.
func FuzzPgoutput(f *testing.F) {
	log := loadCaptured(f)
	for _, payload := range log {
		f.Add(payload[xlogHeaderBytes:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &tally{}
		d := plainDecoder(c)
		for _, payload := range log { // every relation, then an open transaction
			if err := decodePayload(d, payload); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.change(1, begin(1<<40)); err != nil {
			t.Fatal(err)
		}
		c.refused = 0
		err := d.change(7, data)
		if c.bad != "" {
			t.Fatal(c.bad)
		}
		if err != nil {
			var e *fault.Error
			if !errors.As(err, &e) || !e.Permanent {
				t.Fatalf("%v is no permanent fault", err)
			}
			return
		}
		if data[0] == msgStreamAbort || c.refused > 0 {
			return
		}
		if err := compareWithOracle(data); err != nil {
			t.Fatal(err)
		}
	})
}
