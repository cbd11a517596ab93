package main

import (
	"encoding/json"
	"errors"
	"testing"

	"rdip/internal/fault"
	"rdip/offsets"
)

// FuzzOffset: an offset as Connect's tools send it, or as Debezium has written it, becomes a position that is read back,
// or is refused as a configuration.
func FuzzOffset(f *testing.F) {
	for _, s := range []string{`{"lsn":"0/16B3748"}`, `{"lsn":24023128}`, `{"lsn":-1}`, `{"lsn":1e3}`, `{"lsn":null}`, `{"lsn":"0/0"}`, `{}`, `[]`, `{"lsn_proc":1,"lsn":18446744073709551615}`, `{"lsn":"+1/2"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text, err := lsnOf(json.RawMessage(body))
		var record offsets.Record
		if err == nil {
			err = setPosition(&record, text)
		}
		if err != nil {
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != fault.Configuration {
				t.Fatalf("%v is no configuration's fault", err)
			}
			return
		}
		var again offsets.Record
		if err := setPosition(&again, lsn(record.Place)); err != nil || again.Place != record.Place || record.Place == 0 {
			t.Fatalf("%s is %s at %d: %+v, %v", body, text, record.Place, again, err)
		}
	})
}
