package columns

import (
	"crypto/md5"  //nolint:gosec // what an existing configuration may ask for
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"strconv"
	"strings"

	"rdip/configs"
	"rdip/envelope"
	"rdip/schema"
)

// rule disguises the columns that its expressions match.
type rule struct {
	key     string // as it may be printed
	columns configs.Patterns
	chars   int // of a constant mask or a cut
	kind    ruleKind
	digest  func() hash.Hash
	salt    configs.Secret
	java    bool // digest Java's serialized form: the first version
}

type ruleKind uint8

const (
	asterisks ruleKind = iota
	digested
	truncated
)

var (
	maskChars = regexp.MustCompile(`^with\.(\d{1,9})\.chars$`)
	maskHash  = regexp.MustCompile(`^hash\.(v2\.)?([^.]+?)(?:\.with\.salt\.(.+))?$`)
	cutChars  = regexp.MustCompile(`^to\.(\d{1,9})\.chars$`)
)

// mostChars bounds a mask: it is written for every row.
const mostChars = 10_000

var errNoSalt = errors.New("a hash without a salt, neither in the key nor as column.mask.salt")

// maskRule is what a key below column.mask. asks for. Its error shows no salt.
func (c *Config) maskRule(m configs.NamedPatterns) (rule, error) {
	r := rule{key: configs.ShownName(m.Key), columns: m.Patterns}
	if found := maskChars.FindStringSubmatch(m.Name); found != nil {
		r.chars, _ = strconv.Atoi(found[1])
		if r.chars > mostChars {
			return r, fmt.Errorf("a mask of more than %d characters", mostChars)
		}
		return r, nil
	}
	found := maskHash.FindStringSubmatch(m.Name)
	if found == nil {
		return r, fmt.Errorf("no mask is written so")
	}
	r.kind, r.java, r.salt = digested, found[1] == "", configs.NewSecret(found[3])
	if r.digest = digestOf(found[2]); r.digest == nil {
		return r, fmt.Errorf("%q is no algorithm that rdip has", found[2])
	}
	if found[3] == "" {
		r.salt = c.salt
	}
	if r.salt.IsEmpty() {
		return r, errNoSalt
	}
	return r, nil
}

// cutRule is what a key below column.truncate. asks for.
func cutRule(m configs.NamedPatterns) (rule, error) {
	r := rule{key: m.Key, columns: m.Patterns, kind: truncated}
	found := cutChars.FindStringSubmatch(m.Name)
	if found == nil {
		return r, fmt.Errorf("no cut is written so")
	}
	r.chars, _ = strconv.Atoi(found[1])
	return r, nil
}

// digestOf is one of Java's MessageDigest algorithms by name, nil for one that is not here.
func digestOf(name string) func() hash.Hash {
	switch strings.ToUpper(name) {
	case "MD5":
		return md5.New
	case "SHA", "SHA1", "SHA-1":
		return sha1.New
	case "SHA-224":
		return sha256.New224
	case "SHA-256":
		return sha256.New
	case "SHA-384":
		return sha512.New384
	case "SHA-512":
		return sha512.New
	case "SHA-512/224":
		return sha512.New512_224
	case "SHA-512/256":
		return sha512.New512_256
	case "SHA3-224":
		return func() hash.Hash { return sha3.New224() }
	case "SHA3-256":
		return func() hash.Hash { return sha3.New256() }
	case "SHA3-384":
		return func() hash.Hash { return sha3.New384() }
	case "SHA3-512":
		return func() hash.Hash { return sha3.New512() }
	default:
		return nil
	}
}

// fits says whether values of a type can be disguised by the rule: text, and for a cut bytes. Text of a time or
// of a decimal number is none.
func (r *rule) fits(t *schema.Type) bool {
	if r.kind == truncated && t.Kind == schema.Bytes && t.Name == "" {
		return true
	}
	return t.Kind == schema.String && !strings.HasPrefix(t.Name, "io.debezium.time.")
}

// apply disguises a column. The encoder keeps state: it serves one goroutine.
func (r *rule) apply(c *schema.Column, encode envelope.ColumnEncoder, debezium bool) envelope.ColumnEncoder {
	if c.Type.Name != "" && !(debezium && c.Type.Name == schema.EnumName) {
		c.Type = schema.Plain(c.Type.Kind) // what is written is no longer JSON, a UUID or one of the labels
	}
	wrap := r.encoder(c)
	if !debezium && r.params(c) != nil {
		c.Default, c.DefaultValue = nil, nil // rows may hold it, and the schema would say it
	}
	if r.kind == asterisks {
		c.Mask = envelope.AppendString(nil, []byte(strings.Repeat("*", r.chars)))
	} else if debezium {
		// Debezium disguises what stands in for a value as it does a value. Here the marker stays what
		// consumers know it by.
		c.Absent, c.Zero = disguised(wrap, c.Absent), disguised(wrap, c.Zero)
		if !c.Nullable {
			c.DefaultValue = disguised(wrap, c.DefaultValue)
		}
	}
	return wrap(encode)
}

// encoder is how the rule wraps a column's encoder.
func (r *rule) encoder(c *schema.Column) func(envelope.ColumnEncoder) envelope.ColumnEncoder {
	switch {
	case r.kind == digested:
		limit := 0
		if c.Length > 0 {
			limit = c.Length
		}
		return func(inner envelope.ColumnEncoder) envelope.ColumnEncoder {
			return (&digester{inner: inner, hash: r.digest(), salt: []byte(r.salt.Reveal()), java: r.java, limit: limit}).encode
		}
	case r.kind == truncated && (c.Length <= 0 || c.Length > r.chars):
		return func(inner envelope.ColumnEncoder) envelope.ColumnEncoder {
			return cutter{inner: inner, limit: r.chars, bytes: c.Type.Kind == schema.Bytes}.encode
		}
	default:
		return func(inner envelope.ColumnEncoder) envelope.ColumnEncoder { return inner }
	}
}

// disguised is an encoded value as the rule has it; nil stays nil.
func disguised(wrap func(envelope.ColumnEncoder) envelope.ColumnEncoder, avro []byte) []byte {
	if avro == nil {
		return nil
	}
	copied := func(dst, wire []byte) ([]byte, error) { return append(dst, wire...), nil }
	out, err := wrap(copied)(nil, avro)
	if err != nil {
		return avro
	}
	return out
}

// params are what the schema of a disguised column says, as Debezium's does.
func (r *rule) params(c *schema.Column) []schema.Param {
	switch {
	case r.kind != truncated:
		return []schema.Param{{Key: "masked", Value: "true"}}
	case c.Length <= 0 || c.Length > r.chars:
		return []schema.Param{{Key: "truncateLength", Value: strconv.Itoa(r.chars)}}
	default:
		return nil
	}
}
