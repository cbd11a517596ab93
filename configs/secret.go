package configs

import "rdip/internal/secret"

// Redacted is what every printed form of a Secret shows.
const Redacted = secret.Redacted

// Secret is a value of a configuration that never prints.
type Secret = secret.Text

// NewSecret hides text.
func NewSecret(text string) Secret { return secret.New(text) }
