// Package routing says where a table's records go, and whether they stay envelopes: the names of topics, what renames
// them, and the transforms of Debezium and Kafka Connect that are known, compiled into one decision a table. Making records
// of another shape is package records'. Its keys are topic.naming*, topic.delimiter, topic.routing.*, transforms.* and
// predicates.*.
package routing

import (
	"fmt"
	"regexp"

	"rdip/configs"
	"rdip/internal/fault"
)

// Config is how topics are named, as it is written. Define binds the keys; Check and Naming are called once they are decoded.
type Config struct {
	Delimiter string // topic.delimiter

	strategy namingStrategy
	template string
	routing  map[string]string
}

type namingStrategy string

const (
	bySchema    namingStrategy = "io.debezium.schema.SchemaTopicNamingStrategy"
	withoutPart namingStrategy = "io.debezium.schema.DefaultTopicNamingStrategy"
)

// Define binds the keys to c and fills in the defaults.
func (c *Config) Define(d *configs.Definition) {
	d.Group("Names of topics")
	configs.Enum(d, &c.strategy, "topic.naming.strategy", "How a table's topic is named.", []configs.Choice{
		{Value: string(bySchema), Doc: "`PREFIX.SCHEMA.TABLE`", Aliases: []string{"schema"}},
		{Value: string(withoutPart), Doc: "`PREFIX.TABLE`, so that tables of two schemas may collide; `rdip check` finds that", Aliases: []string{"default"}}},
		configs.Default(string(bySchema)))
	d.String(&c.Delimiter, "topic.delimiter", "What stands between the parts of a topic's name.", configs.Default("."), configs.Check(checkDelimiter), configs.Rank(configs.Low))
	d.String(&c.template, "topic.naming", "A topic's name with `${prefix}`, `${database}`, `${schema}` and `${table}` in it, such as `cdc.${schema}.${table}`; in place of `topic.naming.strategy`.",
		configs.Verbatim(), configs.Check(checkTemplate))
	d.Prefix(&c.routing, "topic.routing.", "Several tables in one topic, with the options of Debezium's ByLogicalTableRouter: `topic.routing.topic.regex` and `topic.routing.topic.replacement` rename topics; their keys get the field `key.field.name` (`__dbz__physicalTableIdentifier`) with the old name, as `key.field.regex` and `key.field.replacement` change it, unless `key.enforce.uniqueness` is false. `topic.routing.regex` and `topic.routing.replacement` rename topics and nothing else, as Kafka's RegexRouter. Expressions must match the whole name.")
}

// Check reports what no key shows by itself.
func (c *Config) Check(where func(key string) string) fault.Findings {
	var out fault.Findings
	if _, err := c.routes(); err != nil {
		out = append(out, fault.Finding{Kind: fault.Configuration, Where: where("topic.routing"), Seen: err.Error(),
			Need: "options of ByLogicalTableRouter, or regex and replacement", Fix: "topic.routing: {topic.regex: 'shop\\.public\\.orders_\\d+', topic.replacement: shop.public.orders}"})
	}
	return out
}

// routes is the configured routing: the plain renaming after the logical one.
func (c *Config) routes() (routers, error) {
	logical, plain := map[string]string{}, map[string]string{}
	for name, value := range c.routing {
		switch name {
		case "regex", "replacement":
			plain[name] = value
		default:
			logical[name] = value
		}
	}
	var all routers
	if len(logical) > 0 {
		r, err := newLogicalRouter(logical, false)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(plain) > 0 {
		r, err := newRegexRouter(plain)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// Naming is the configured naming below a prefix, without transforms.
func (c *Config) Naming(prefix string) Naming {
	n := Naming{Prefix: prefix, Delimiter: c.Delimiter, NoSchema: c.strategy == withoutPart, Template: c.template}
	n.routers, _ = c.routes() // checked with the configuration
	return n
}

var (
	legalDelimiter = regexp.MustCompile(`^[A-Za-z0-9._-]{1,16}$`)
	placeholder    = regexp.MustCompile(`\$\{(prefix|database|schema|table)\}`)
	legalTemplate  = regexp.MustCompile(`^[A-Za-z0-9._-]{0,200}$`)
)

func checkDelimiter(s string) error {
	if !legalDelimiter.MatchString(s) {
		return fmt.Errorf("letters, digits, dots, dashes and underscores, as Kafka allows in a topic")
	}
	return nil
}

func checkTemplate(s string) error {
	if s == "" || !legalTemplate.MatchString(placeholder.ReplaceAllString(s, "")) {
		return fmt.Errorf("letters, digits, dots, dashes, underscores, and ${prefix}, ${database}, ${schema} or ${table}")
	}
	return nil
}

var legalName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)

// CheckName refuses a topic's name, or the beginning of one, that Kafka would refuse.
func CheckName(s string) error {
	if legalName.MatchString(s) {
		return nil
	}
	return &configs.Problem{Need: "letters, digits, dots, dashes and underscores, at most 200, as Kafka allows in a topic",
		Fix: "write a name such as \"shop\""}
}

// CheckNameOrNone is CheckName for a name that may be left out.
func CheckNameOrNone(s string) error {
	if s == "" {
		return nil
	}
	return CheckName(s)
}
