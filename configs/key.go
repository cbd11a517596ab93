package configs

// Importance ranks keys in the documentation, as Kafka's does.
type Importance uint8

// The ranks, in the order in which documentation lists them.
const (
	Medium Importance = iota
	High
	Low
)

func (i Importance) String() string { return [...]string{"medium", "high", "low"}[i] }

// Key is everything known of one key; it is made by the methods of Definition.
type Key struct {
	Name       string // in full, dotted; a Prefix key ends with a dot
	Type       string // as documentation names it: "string", "duration", ...
	Doc        string // Markdown, one paragraph
	Group      string
	Default    string // as it would be written; only meaningful with HasDefault
	HasDefault bool
	Choices    []Choice // of an enumeration
	Unit       string   // of a bare number, such as "ms"; empty: none is allowed, or none is needed
	Least      string   // smallest value, as it would be written; empty: none
	Most       string   // largest value, as it would be written; empty: none
	Required   bool
	Secret     bool // the value never prints
	Verbatim   bool // ${...} in the value is the key's own, and no reference
	Prefix     bool // the key stands for every key that begins with Name
	Importance Importance
	Since      string   // rdip's version that brought it; empty: the first
	Aliases    []string // deprecated names that still work, with a warning

	checks []func(text string) error
	parse  func(Value) error // fills the bound field; a *Problem says why it cannot
	put    func(name string, v Value)
	render func() string // the bound field's value as it would be written
}

// Choice is one value of an enumeration.
type Choice struct {
	Value   string
	Doc     string
	Aliases []string // other spellings that are taken for Value
	// Refused says why a value that Debezium or Kafka knows does not work here; empty: it works.
	Refused string
	// Instead is the fix beside Refused, as the user would type it; may be empty.
	Instead string
}

// Option adds to a Key.
type Option func(*Key)

// Default is the value when the key is absent, as it would be written in a file.
func Default(text string) Option {
	return func(k *Key) { k.Default, k.HasDefault = text, true }
}

// Required makes the key's absence, or an empty value, a finding.
func Required() Option { return func(k *Key) { k.Required = true } }

// Between bounds an integer, duration or size, both ends included, as they would be written; an empty end
// is open.
func Between(least, most string) Option {
	return func(k *Key) { k.Least, k.Most = least, most }
}

// Check adds a validation of the text after it parsed. Its error says what is needed ("a name of at most 63
// bytes"); a *Problem says more. It runs on each item of a list.
func Check(f func(text string) error) Option {
	return func(k *Key) { k.checks = append(k.checks, f) }
}

// Rank sets the importance; Medium without it.
func Rank(i Importance) Option { return func(k *Key) { k.Importance = i } }

// Verbatim leaves ${...} in the value as it is written.
func Verbatim() Option { return func(k *Key) { k.Verbatim = true } }

// Alias names a deprecated key that still works, with a warning.
func Alias(names ...string) Option {
	return func(k *Key) { k.Aliases = append(k.Aliases, names...) }
}

// Since names the version of rdip that brought the key.
func Since(version string) Option { return func(k *Key) { k.Since = version } }
