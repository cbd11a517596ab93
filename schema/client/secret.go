package client

import (
	"encoding/base64"
	"fmt"
)

// Secret is a text that never prints: not by fmt, not as JSON or YAML, not in a log, and not from inside
// another value, where fmt cannot call its methods and shows a pointer. The zero value is empty.
type Secret struct{ text *string }

const redacted = "[redacted]"

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal is the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Format prints a placeholder, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText is the placeholder, for JSON, YAML and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// basic is the Authorization header of USER:PASS.
func basic(userInfo string) Secret {
	return NewSecret("Basic " + base64.StdEncoding.EncodeToString([]byte(userInfo)))
}
