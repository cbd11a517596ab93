package records

import (
	"rdip/configs"
	"rdip/connect/source/routing"
	"rdip/envelope/convert"
	"rdip/internal/fault"
)

// Converters are how keys and values are written. The worker's hold for the connectors that have none of their own.
type Converters struct {
	Key, Value Converter
}

// Converter is one of the two.
type Converter struct {
	Kind        FormatKind
	Schemas     bool
	Decimal     DecimalFormat
	ReplaceNull bool

	replaceGiven bool
}

// DecimalFormat is how JSON holds a decimal.
type DecimalFormat string

// The forms of decimals in JSON, as Connect names them.
const (
	DecimalBase64  DecimalFormat = "BASE64"
	DecimalNumeric DecimalFormat = "NUMERIC"
)

var converterClasses = []configs.Choice{
	{Value: string(FormatAvro), Aliases: []string{"io.confluent.connect.avro.AvroConverter"}, Doc: "Confluent-framed Avro; the schema is in the registry."},
	{Value: string(FormatJSON), Aliases: []string{"org.apache.kafka.connect.json.JsonConverter"}, Doc: "JSON, byte for byte as Connect's JsonConverter."},
	{Value: string(FormatString), Aliases: []string{"org.apache.kafka.connect.storage.StringConverter"}, Doc: "a single value as text; for outbox messages."},
	{Value: string(FormatBytes), Aliases: []string{"org.apache.kafka.connect.converters.ByteArrayConverter", "io.debezium.converters.BinaryDataConverter", "io.debezium.converters.ByteBufferConverter"},
		Doc: "a single value as it is; for outbox messages."},
	{Value: "io.confluent.connect.protobuf.ProtobufConverter", Refused: "Protobuf is not built", Instead: "write avro or json"},
	{Value: "io.confluent.connect.json.JsonSchemaConverter", Refused: "JSON Schema is not built", Instead: "write json"},
}

// Definition binds the worker's keys and fills in the defaults.
func (c *Converters) Definition() *configs.Definition {
	d := configs.NewDefinition("Converters")
	c.define(d)
	return d
}

// Overrides binds the same keys in a connector; what is not given stays as it is.
func (c *Converters) Overrides() *configs.Definition {
	d := configs.NewOverrides("Converters of one connector", "")
	c.define(d)
	return d
}

func (c *Converters) define(d *configs.Definition) {
	d.Group("Converters")
	for _, side := range []struct {
		name string
		c    *Converter
	}{{"key", &c.Key}, {"value", &c.Value}} {
		name := side.name + ".converter"
		configs.Enum(d, &side.c.Kind, name, "How a record's "+side.name+" is written. Without Avro on either side no schema registry is needed.", converterClasses,
			configs.Default(string(FormatAvro)))
		d.Bool(&side.c.Schemas, name+".schemas.enable", "With `json`: whether each record carries its schema, as `{\"schema\":..., \"payload\":...}`.", configs.Default("true"))
		configs.Enum(d, &side.c.Decimal, name+".decimal.format", "With `json`: how decimals are written.", []configs.Choice{
			{Value: string(DecimalBase64), Doc: "the unscaled value's bytes in base64."},
			{Value: string(DecimalNumeric), Doc: "a number."}}, configs.Default(string(DecimalBase64)))
		d.Bool(&side.c.ReplaceNull, name+".replace.null.with.default", "With `json`: whether a column that has a default is written as the default where it is NULL, so that nobody can tell. Connect's default is `true`, which `compatibility: debezium` takes.",
			configs.Default("false"))
	}
}

// Given notes which keys a section has. The worker's are noted before a connector's. A connector that names a
// converter has none of the worker's settings for it, as in Connect.
func (c *Converters) Given(s *configs.Section) {
	c.Key.given(s, "key.converter")
	c.Value.given(s, "value.converter")
}

func (c *Converter) given(s *configs.Section, name string) {
	if s.Name != "" && s.Has(name) {
		*c = Converter{Kind: FormatAvro, Schemas: true, Decimal: DecimalBase64}
	}
	if s.Has(name + ".replace.null.with.default") {
		c.replaceGiven = true
	}
}

// Formats are the two sides' formats; debezium says whose way is taken where nothing is given.
func (c *Converters) Formats(debezium bool) (key, value Format) {
	return c.Key.format(debezium), c.Value.format(debezium)
}

func (c *Converter) format(debezium bool) Format {
	replace := c.ReplaceNull
	if !c.replaceGiven {
		replace = debezium
	}
	return Format{Kind: c.Kind, JSON: convert.JSONOptions{Schemas: c.Schemas, Numeric: c.Decimal == DecimalNumeric, ReplaceNull: replace}}
}

// NeedsRegistry says whether one of the sides is Avro.
func (c *Converters) NeedsRegistry() bool {
	return c.Key.Kind == FormatAvro || c.Value.Kind == FormatAvro
}

// Check finds converters that can write no record of a table.
func (c *Converters) Check(s *configs.Section, chain *routing.Chain) fault.Findings {
	var findings fault.Findings
	for name, side := range map[string]*Converter{"key.converter": &c.Key, "value.converter": &c.Value} {
		if (side.Kind == FormatString || side.Kind == FormatBytes) && !chain.HasOutbox() {
			findings = append(findings, s.Finding(name, string(side.Kind)+", and the records are a table's", "avro or json",
				name+": json, or the transform io.debezium.transforms.outbox.EventRouter, whose messages are single values"))
		}
	}
	return findings
}
