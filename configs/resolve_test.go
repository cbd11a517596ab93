package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rdip/configs"
	"rdip/internal/fault"
)

const canary = "canary-7f3a"

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func decode(keys map[string]string) (specimen, fault.Findings, map[string]string) {
	var c specimen
	d := c.Definition()
	s := configs.FromMap("request", "shop", keys)
	found := configs.Decode(s, d)
	return c, found, configs.Effective(s, d)
}

func TestReferencesAreResolvedOnceAndNeverShown(t *testing.T) {
	secret := write(t, "password", canary+" ${env:HOME}\n", 0o600)
	props := write(t, "db.properties", "user=u\npassword=a\\u0062"+canary+"\n", 0o600)
	t.Setenv("RDIP_TEST_NAME", canary)
	for name, c := range map[string]struct{ text, want string }{
		"a variable":              {"${env:RDIP_TEST_NAME}", canary},
		"Connect's two colons":    {"${env::RDIP_TEST_NAME}", canary},
		"a file, once":            {"${file:" + secret + "}", canary + " ${env:HOME}"},
		"a file's key":            {"${file:" + props + ":password}", "ab" + canary},
		"several inside one text": {"a${env:RDIP_TEST_NAME}b${env:RDIP_TEST_NAME}c", "a" + canary + "b" + canary + "c"},
		"a dollar is a dollar":    {"pa$$word$HOME", "pa$$word$HOME"},
	} {
		t.Run(name, func(t *testing.T) {
			got, found, effective := decode(map[string]string{"source.name": c.text, "source.password": c.text})
			if len(found) > 0 {
				t.Errorf("%v", found)
			}
			if got.Name != c.want || got.Password.Reveal() != c.want {
				t.Errorf("got %q and %q, want %q", got.Name, got.Password.Reveal(), c.want)
			}
			if effective["source.password"] != configs.Redacted || strings.Contains(effective["source.name"], canary) {
				t.Errorf("shown: %v", effective)
			}
		})
	}
}

func TestASecretFileThatOthersMayReadIsAWarning(t *testing.T) {
	path := write(t, "password", canary, 0o644)
	keys := map[string]string{"source.name": "x", "source.password": "${file:" + path + "}"}
	got, found, _ := decode(keys)
	if got.Password.Reveal() != canary || found.Err() != nil || len(found) != 1 || found[0].Severity != fault.Warning || found[0].Fix != "chmod 600 "+path {
		t.Errorf("%v", found)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path))
	if _, found, _ := decode(keys); len(found) != 0 {
		t.Errorf("systemd's credentials are the service's alone: %v", found)
	}
}

func TestASecretFileThatCannotServeIsRefusedByName(t *testing.T) {
	large := write(t, "large", strings.Repeat("x", 70_000), 0o600)
	props := write(t, "p", "user=u\npassword="+canary, 0o600)
	broken := write(t, "b", "password="+canary+"\\u1", 0o600)
	for text, want := range map[string]string{
		"${file:" + large + "}":          "larger than",
		"${file:" + t.TempDir() + "}":    "not a regular file",
		"${file:" + props + ":passwort}": "has no key passwort",
		"${file:" + broken + ":x}":       "line 1",
		"${file:/none/x}":                "/none/x: no such file",
		"${env:RDIP_TEST_NONE}":          "RDIP_TEST_NONE is not set",
	} {
		_, found, _ := decode(map[string]string{"source.name": "x", "source.password": text})
		if err := found.Err(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestACheckOfAHiddenValueDoesNotQuoteIt(t *testing.T) {
	_, found, _ := decode(map[string]string{"source.name": "x", "source.password": "refused"})
	if err := found.Err(); err == nil || strings.Contains(err.Error(), `refused`) {
		t.Errorf("%v", err)
	}
}

func TestTheEffectiveConfigurationHasDefaultsAndNoSecrets(t *testing.T) {
	_, _, got := decode(map[string]string{"source.name": "x", "source.password": canary, "source.port": "1", "source.tables": `a{1\,2}`,
		"source.extra.linger": "5", "source.extra.ssl.password": canary})
	want := map[string]string{"source.name": "x", "source.password": configs.Redacted, "source.port": "1", "source.wait.ms": "100", "source.every": "1m0s",
		"source.mode": "exact", "source.tables": `a{1\,2}`, "source.extra.linger": "5", "source.extra.ssl.password": configs.Redacted}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
}
