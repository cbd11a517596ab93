package schema_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"rdip/schema"
)

// R5: names that Avro or Kafka cannot hold are escaped, and the escape can be undone.
func TestNamesAreEscapedReversibly(t *testing.T) {
	for _, c := range []struct{ name, in, avro, topic string }{
		{"a plain name stays", "order_items", "order_items", "order_items"},
		{"a dash is legal in a topic only", "order-items", "order_u002ditems", "order-items"},
		{"a leading digit is legal in a topic only", "1st", "_u0031st", "1st"},
		{"a dot inside a name never parts it", "a.b", "a_u002eb", "a_u002eb"},
		{"a letter beyond ASCII", "größe", "gr_u00f6_u00dfe", "gr_u00f6_u00dfe"},
		{"a rune of two UTF-16 units", "😀", "_ud83d_ude00", "_ud83d_ude00"},
		{"what looks like an escape is escaped", "x_u00e9", "x_u005fu00e9", "x_u005fu00e9"},
		{"what only begins like one stays", "is_unique", "is_unique", "is_unique"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := schema.AvroName(c.in); got != c.avro {
				t.Errorf("AvroName(%q) = %q, want %q", c.in, got, c.avro)
			}
			if got := schema.TopicName(c.in); got != c.topic {
				t.Errorf("TopicName(%q) = %q, want %q", c.in, got, c.topic)
			}
		})
	}
}

// R5, K8: no two names share an escaped form.
func TestEveryNameSurvivesEscaping(t *testing.T) {
	legalAvro := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	legalTopic := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.StringN(1, 20, -1), rapid.StringMatching(`[a_u0-9.]{1,20}`)).Draw(t, "name")
		avro, topic := schema.AvroName(in), schema.TopicName(in)
		if !legalAvro.MatchString(avro) || !legalTopic.MatchString(topic) {
			t.Fatalf("%q became %q and %q", in, avro, topic)
		}
		if schema.Unescape(avro) != in || schema.Unescape(topic) != in {
			t.Fatalf("%q became %q and %q, and back %q and %q", in, avro, topic, schema.Unescape(avro), schema.Unescape(topic))
		}
	})
}
