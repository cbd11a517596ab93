package configs

import (
	"regexp"

	"rdip/internal/fault"
)

// saltedName is a key of Debezium's whose name itself holds a secret, column.mask.hash.SHA-256.with.salt.SALT, also
// where it is misspelt before that: findings name unknown keys.
var saltedName = regexp.MustCompile(`(?is)(\bwith\.salt\.).*`)

// ShownName is a key's name as it may be printed: the salt that a name can hold is redacted.
func ShownName(name string) string { return saltedName.ReplaceAllString(name, "${1}"+Redacted) }

// withoutSalt redacts what a finding says of a key with a salt in its name.
func withoutSalt(f fault.Finding) fault.Finding {
	f.Where, f.Seen = ShownName(f.Where), ShownName(f.Seen)
	f.Need, f.Fix = ShownName(f.Need), ShownName(f.Fix)
	return f
}
