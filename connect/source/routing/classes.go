package routing

import (
	"maps"
	"slices"
	"strings"

	"rdip/configs"
)

// builder defines a transform's options; the function that it returns finishes the step once they are decoded, and
// names the key that is wrong.
type builder func(s *step, d *configs.Definition, debezium bool) func(*configs.Section) (key string, err error)

// transformClasses are the classes that are built, by their names without a package.
var transformClasses = map[string]builder{
	"ExtractNewRecordState": buildFlat,
	"EventRouter":           buildOutbox,
	"RegexRouter":           buildRegexRouter,
	"ByLogicalTableRouter":  buildLogicalRouter(false),
	"ToLogicalTopicRouter":  buildLogicalRouter(true),
}

func knownTransforms() []string {
	return slices.Sorted(maps.Keys(transformClasses))
}

// insteadOf says what does here what a transform of Kafka's or Debezium's does.
var insteadOf = map[string]string{
	"MaskField":                           "column.mask.with.N.chars, column.mask.hash.* or column.truncate.to.N.chars",
	"ReplaceField":                        "column.include.list or column.exclude.list",
	"Filter":                              "table.include.list, row.filter.SCHEMA.TABLE, skipped.operations; tombstones.on.delete: false for tombstones",
	"ContentBasedRouter":                  "row.filter.SCHEMA.TABLE, or a transform downstream: scripts are not run",
	"TimestampConverter":                  "time.precision.mode",
	"ValueToKey":                          "message.key.columns",
	"ExtractField":                        "the transform ExtractNewRecordState",
	"InsertField":                         "the transform ExtractNewRecordState with add.fields",
	"InsertHeader":                        "the transform ExtractNewRecordState with add.headers",
	"HeaderFrom":                          "the transform ExtractNewRecordState with add.headers",
	"TimestampRouter":                     "topic.naming",
	"Cast":                                "decimal.handling.mode, time.precision.mode or binary.handling.mode",
	"Flatten":                             "the transform ExtractNewRecordState",
	"TimezoneConverter":                   "a transform downstream: timestamps with a zone are written in UTC",
	"PartitionRouting":                    "message.key.columns: a key's partition is what Java's producer makes of it",
	"DecodeLogicalDecodingMessageContent": "message.content.format",
	"SchemaChangeEventFilter":             "include.schema.changes: false",
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// simpleClass is a Java class's name without package, and without the Key or Value that Kafka's transforms end with.
func simpleClass(class string) string {
	name := class[strings.LastIndexByte(class, '.')+1:]
	name, _, _ = strings.Cut(name, "$")
	return name
}

// buildRegexRouter is org.apache.kafka.connect.transforms.RegexRouter.
func buildRegexRouter(s *step, d *configs.Definition, _ bool) func(*configs.Section) (string, error) {
	return routerOptions(s, d, []string{"regex", "replacement"}, newRegexRouter)
}

// buildLogicalRouter is Debezium's ByLogicalTableRouter, or its successor.
func buildLogicalRouter(byTopic bool) builder {
	return func(s *step, d *configs.Definition, _ bool) func(*configs.Section) (string, error) {
		return routerOptions(s, d, logicalOptions, func(o map[string]string) (router, error) { return newLogicalRouter(o, byTopic) })
	}
}

// routerOptions takes a router's options as texts; the router reads them.
func routerOptions(s *step, d *configs.Definition, names []string, make func(map[string]string) (router, error)) func(*configs.Section) (string, error) {
	values := defineRouter(d, "", names)
	return func(section *configs.Section) (string, error) {
		given := map[string]string{}
		for i, name := range names {
			if section.Has(name) {
				given[name] = values[i]
			}
		}
		r, err := make(given)
		s.topic = &r
		return names[0], err
	}
}

func defineRouter(d *configs.Definition, under string, names []string) []string {
	values := make([]string, len(names))
	for i, name := range names {
		d.String(&values[i], under+name, routerDocs[name], configs.Verbatim(), configs.Default(""))
	}
	return values
}

var routerDocs = map[string]string{
	"regex":                          "Expression that the whole name of a topic must match.",
	"replacement":                    "What takes the name's place; `$1` and `${name}` are the expression's groups. The names of schemas stay.",
	"topic.regex":                    "Expression that the whole name of a topic must match.",
	"topic.replacement":              "What takes its place, in the names of schemas too.",
	"key.enforce.uniqueness":         "Whether keys get a field with the old name of the topic (`true`, the default).",
	"key.field.name":                 "Name of that field.",
	"key.field.regex":                "Expression that makes the field's value out of the old name.",
	"key.field.replacement":          "What takes that name's place.",
	"schema.name.adjustment.mode":    "Without effect: names that Avro cannot hold are always escaped, reversibly.",
	"logical.table.cache.size":       "Without effect: a topic's name is made once a table.",
	"logical.destination.cache.size": "Without effect: a topic's name is made once a table.",
}

// TransformDefinitions are the options of each transform, for the documentation.
func TransformDefinitions() []*configs.Definition {
	const under = "transforms.NAME."
	page := func(class, group string) *configs.Definition {
		d := configs.NewDefinition("Transform " + class)
		d.Group(group)
		return d
	}
	flat := page(flatClass, "Flattened rows")
	new(FlatOptions).define(flat, under, false)
	outbox := page(outboxClass, "Outbox")
	new(OutboxOptions).define(outbox, under)
	router := page("org.apache.kafka.connect.transforms.RegexRouter", "Names of topics")
	defineRouter(router, under, []string{"regex", "replacement"})
	logical := page("io.debezium.transforms.ByLogicalTableRouter", "Several tables in one topic")
	defineRouter(logical, under, logicalOptions)
	return []*configs.Definition{flat, outbox, router, logical}
}
