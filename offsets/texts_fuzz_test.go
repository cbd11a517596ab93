package offsets

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzDecodeTableSnapshot: what is taken of a table's record would be written again with the same meaning, and chunks
// that are done are counted without a loop over them.
func FuzzDecodeTableSnapshot(f *testing.F) {
	f.Add([]byte(`{"format":2,"oid":16384,"why":"initial","plan":{"oid":16384},"chunks":3,"done":[[0,2]],"rows":10,"started":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"format":2,"why":"asked","by":"signal a","where":"id > 7","keys":[["1"],["a","b"]],"chunks":1,"done":[],"owed":[["x"]],"rows":0,"stopped":true}`))
	f.Add([]byte(`{"format":2,"why":"","plan":"text","chunks":9223372036854775807,"done":[[0,9223372036854775807]],"rows":-1}`))
	key := snapshotKey("shop", "public.a")
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decodeTableSnapshot(key, appendSum(key, bytes.Clone(body)))
		if err != nil {
			return
		}
		if got.Done.Len() < 0 {
			t.Fatalf("%d chunks are done", got.Done.Len())
		}
		value, err := encodeTableSnapshot(key, got)
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		again, err := decodeTableSnapshot(key, value)
		if err != nil || !reflect.DeepEqual(normal(again), normal(got)) {
			t.Fatalf("%+v\n%+v, %v", got, again, err)
		}
	})
}

// normal is the record with times in UTC, without empty lists and of the format that is written.
func normal(t TableSnapshot) TableSnapshot {
	t.Format, t.Asked, t.Started, t.Finished = Format, t.Asked.UTC(), t.Started.UTC(), t.Finished.UTC()
	if len(t.Keys) == 0 {
		t.Keys = nil
	}
	if len(t.Owed) == 0 {
		t.Owed = nil
	}
	if len(t.Done.runs) == 0 {
		t.Done.runs = nil
	}
	return t
}

// FuzzRanges: what is read is in order, apart and not empty, and is written as it was read.
func FuzzRanges(f *testing.F) {
	for _, s := range []string{`[]`, `[[0,1],[5,9]]`, `[[0,1],[1,2]]`, `[[3,2]]`, `[[-1,2]]`, `[[0]]`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r, again Ranges
		if json.Unmarshal(text, &r) != nil {
			return
		}
		last := -1
		for _, run := range r.runs {
			if run.from <= last || run.to <= run.from || !r.Has(run.from) || r.Has(run.to) {
				t.Fatalf("%s: %v", text, r.runs)
			}
			last = run.to
		}
		b, err := json.Marshal(r)
		if err != nil || json.Unmarshal(b, &again) != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%s was written %s: %v", text, b, err)
		}
	})
}

// FuzzSchemaKey: a key of the schemas' bucket names one subject and fingerprint.
func FuzzSchemaKey(f *testing.F) {
	f.Add(schemaKey("shop.public.a-value", [32]byte{1}))
	f.Add([]byte(" a"))
	f.Fuzz(func(t *testing.T, key []byte) {
		subject, fingerprint, err := parseSchemaKey(key)
		if err != nil {
			return
		}
		if again := schemaKey(subject, fingerprint); !bytes.EqualFold(again, key) {
			t.Fatalf("%q is read as %q, which is written %q", key, subject, again)
		}
	})
}
