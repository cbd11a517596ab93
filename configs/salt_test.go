package configs_test

import (
	"fmt"
	"strings"
	"testing"

	"rdip/configs"
)

// A salt is in a key's name: it never prints, and another one is still another configuration.
func TestASaltInAKeysNameNeverPrintsAndStillCounts(t *testing.T) {
	read := func(salt string) (shown, exact string) {
		var masks []configs.NamedPatterns
		d := configs.NewDefinition("Test")
		d.PatternsBelow(&masks, "column.mask.", "Masks.")
		s := configs.FromMap("test", "shop", map[string]string{"column.mask.hash.v2.MD5.with.salt." + salt: "a.b.c", "column.mask.hash.MD5.with.salt." + salt + ".": "("})
		found := configs.Decode(s, d)
		if len(found) != 1 || len(masks) != 1 || !strings.HasSuffix(masks[0].Name, salt) {
			t.Fatalf("masks %v, findings %v", len(masks), found)
		}
		return fmt.Sprint(found, configs.Effective(s, d), s.Where("column.mask.hash.MD5.with.salt."+salt)), fmt.Sprint(configs.Digests(s, d))
	}
	shown, exact := read("p3pper")
	if strings.Contains(shown+exact, "p3pper") || !strings.Contains(shown, "with.salt.[redacted]") {
		t.Errorf("shown: %s\n%s", shown, exact)
	}
	if _, other := read("other"); other == exact {
		t.Error("another salt is taken for the same configuration")
	}
}

// A key that is misspelt is named by a finding, and its salt is still a secret.
func TestASaltInAMisspeltNameDoesNotPrint(t *testing.T) {
	for _, name := range []string{"column.maks.hash.SHA-256.with.salt.p3pper", "mask.hash.MD5.with.salt.p3pper", "column.mask.hash.with.salt.p3pper", "column.mask.hash.v2.MD5.With.Salt.p3\np3pper"} {
		found := fmt.Sprint(configs.Decode(configs.FromMap("test", "shop", map[string]string{name: "a.b.c"}), configs.NewDefinition("Test")))
		if strings.Contains(found, "p3") || !strings.Contains(strings.ToLower(found), "with.salt.[redacted]") {
			t.Error(found)
		}
	}
}
