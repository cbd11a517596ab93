package signals

import (
	"encoding/json"
	"errors"
	"testing"

	"rdip/internal/fault"
)

// FuzzSignals: anybody who may write to the signal topic or table writes these. A record of another connector is none;
// what is taken has a type and a name; its data is refused as a fault, or chooses captured tables only.
func FuzzSignals(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","type":"execute-snapshot","data":{"data-collections":["public\\.orders"],"additional-conditions":[{"data-collection":"public.orders","filter":"id > 7"}]}}`,
		`{"type":"stop-snapshot","data":{"data-collections":[".*"]}}`, `{"type":"log","data":{"message":"hi"}}`, `{"type":"x","data":"text"}`, `{"type":1}`, `[]`, `null`, ``,
		`{"type":"execute-snapshot","data":{"data-collections":["(?!a)","["],"additional-condition":"SELECT 1"}}`,
	} {
		f.Add("shop", s)
	}
	names := []string{"public.orders", "public.items"}
	f.Fuzz(func(t *testing.T, key, value string) {
		signals, err := OfRecord(Record{Offset: 7, Key: []byte(key), Value: []byte(value)}, "shop")
		if key != "shop" && (len(signals) > 0 || err != nil) {
			t.Fatalf("a signal of %q: %v, %v", key, signals, err)
		}
		for _, s := range signals {
			if s.Type == "" || s.ID == "" || s.Channel != fromTopic {
				t.Fatalf("%s became %+v", value, s)
			}
			var data Data
			if s.Data == "" || json.Unmarshal([]byte(s.Data), &data) != nil {
				continue
			}
			chosen, err := Matching(data.Tables, names)
			if err == nil {
				for _, table := range chosen {
					_, err = data.filter(table)
				}
			}
			var e *fault.Error
			if err != nil && (!errors.As(err, &e) || !e.Permanent) {
				t.Fatalf("%v is no permanent fault", err)
			}
			if len(chosen) > len(names) {
				t.Fatalf("%q are not among %q", chosen, names)
			}
		}
	})
}
