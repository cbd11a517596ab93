package configs_test

import (
	"os"
	"path/filepath"
	"testing"

	"rdip/configs"
)

// A file that is read again is compared key by key: a secret that changed behind its reference counts, how a
// value is written does not, and no secret is in what is compared.
func TestTwoReadingsDifferByWhatIsInForceSecretsIncluded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hunter2")
	read := func(keys map[string]string) map[string]string {
		var size int64
		var password configs.Secret
		d := configs.NewDefinition("Test")
		d.Bytes(&size, "size", "A size.", configs.Default("1MiB"))
		d.Secret(&password, "password", "A password.", configs.Alias("pass"))
		s := configs.FromMap("test", "shop", keys)
		if err := configs.Decode(s, d).Err(); err != nil {
			t.Fatal(err)
		}
		digests := configs.Digests(s, d)
		for _, v := range digests {
			if v == "hunter2" || v == "hunter3" || v == configs.Redacted {
				t.Errorf("%v", digests)
			}
		}
		return digests
	}
	first := read(map[string]string{"password": "${file:" + path + "}"})
	if got := read(map[string]string{"password": "${file:" + path + "}", "size": "1048576"}); configs.Fingerprint(got) != configs.Fingerprint(first) {
		t.Errorf("the same, written otherwise: %v, %v", got, first)
	}
	for what, keys := range map[string]map[string]string{
		"another size":            {"password": "${file:" + path + "}", "size": "2MiB"},
		"another password":        {"password": "hunter3"},
		"another, by its alias":   {"pass": "hunter3"},
		"no password":             {},
		"an empty one, which is ": {"password": ""},
	} {
		if got := read(keys); configs.Fingerprint(got) == configs.Fingerprint(first) {
			t.Errorf("%s makes no difference", what)
		}
	}
	write("hunter3")
	if got := read(map[string]string{"password": "${file:" + path + "}"}); got["password"] == first["password"] || got["size"] != first["size"] {
		t.Errorf("a password that changed in its file: %v, %v", got, first)
	}
}
