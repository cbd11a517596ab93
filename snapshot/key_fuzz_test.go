package snapshot

import "testing"

// FuzzPackedKeys: a key that is read back is written as the same bytes, and one that is not of this form is refused.
func FuzzPackedKeys(f *testing.F) {
	f.Add(packKey([]string{"1", "", "é"}))
	f.Add("\x00")
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a")
	f.Add("\x81\x00")
	f.Fuzz(func(t *testing.T, key string) {
		values, ok := unpackKey(key)
		if !ok {
			return
		}
		again, ok := unpackKey(packKey(values))
		if !ok || len(again) != len(values) || len(packKey(values)) > len(key) {
			t.Fatalf("%q is read as %q, and written as %q", key, values, packKey(values))
		}
		for i := range values {
			if values[i] != again[i] {
				t.Fatalf("%q is read as %q, and then as %q", key, values, again)
			}
		}
	})
}
