// Package secret is a text that never prints.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what every printed form of a Text shows.
const Redacted = "[redacted]"

// Text is a value that never prints: its String, fmt, JSON, YAML, text and slog forms are all Redacted,
// and its text sits behind a pointer so that fmt cannot reach it through an unexported field either. Only
// Reveal gives it. The zero Text is empty. Secrets are compared with Equal, not ==, and may be copied and
// read concurrently.
type Text struct{ text *string }

// New hides text.
func New(text string) Text { return Text{&text} }

// Reveal is the secret's text, for the one call that needs it. It must not be put into an error or a log.
func (s Text) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsEmpty says whether there is no text.
func (s Text) IsEmpty() bool { return s.Reveal() == "" }

// Equal compares two secrets in a time that depends on their length only.
func (s Text) Equal(o Text) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// String is Redacted.
func (Text) String() string { return Redacted }

// GoString is Redacted.
func (Text) GoString() string { return Redacted }

// Format is Redacted for every verb and flag.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText is Redacted; encoding/json, encoding/xml and map keys use it.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON is Redacted.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalYAML is Redacted.
func (Text) MarshalYAML() (any, error) { return Redacted, nil }

// LogValue is Redacted.
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
