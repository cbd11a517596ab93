package configs

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what every printed form of a Secret shows.
const Redacted = "[redacted]"

// Secret is a value that never prints: its String, fmt, JSON, YAML, text and slog forms are all Redacted,
// and its text sits behind a pointer so that fmt cannot reach it through an unexported field either. Only
// Reveal gives it. The zero Secret is empty. Secrets are compared with Equal, not ==, and may be copied and
// read concurrently.
type Secret struct{ text *string }

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal is the secret's text, for the one call that needs it. It must not be put into an error or a log.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsEmpty says whether there is no text.
func (s Secret) IsEmpty() bool { return s.Reveal() == "" }

// Equal compares two secrets in a time that depends on their length only.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// String is Redacted.
func (Secret) String() string { return Redacted }

// GoString is Redacted.
func (Secret) GoString() string { return Redacted }

// Format is Redacted for every verb and flag.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText is Redacted; encoding/json, encoding/xml and map keys use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON is Redacted.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalYAML is Redacted.
func (Secret) MarshalYAML() (any, error) { return Redacted, nil }

// LogValue is Redacted.
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }
