package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

// Chain is a connector's transforms, in their order. The nil Chain changes nothing.
//
// Connect's single message transforms are Java classes that each record passes one after the other. Those that
// are known here are compiled into how a table's records are made: what a table becomes is decided once a
// layout, by its topic, and not once a record.
type Chain struct {
	steps []step
}

// step is one transform: what it does, and for which topics. One of its parts is set.
type step struct {
	name   string
	only   *predicate // nil: for all
	negate bool

	flat   *FlatOptions
	outbox *OutboxOptions
	topic  *Route
}

// TransformConfig is the keys of transforms and predicates as they are written.
type TransformConfig struct {
	Names      []string
	settings   map[string]string
	Predicates []string
	conditions map[string]string
}

func (c *TransformConfig) define(d *configs.Definition) {
	d.Group("Transforms")
	d.List(&c.Names, "transforms", "Names of the transforms, in the order in which records pass them; each has its class in `transforms.NAME.type`. One that is alone needs no list. See the transforms below for what there is.",
		configs.Default(""))
	d.Prefix(&c.settings, "transforms.", "Settings of the transforms: `transforms.NAME.type`, `transforms.NAME.predicate` (the name of a predicate that decides by the topic), `transforms.NAME.negate`, and the options of the class.", configs.Verbatim())
	d.List(&c.Predicates, "predicates", "Names of the predicates that transforms refer to.", configs.Default(""))
	d.Prefix(&c.conditions, "predicates.", "Settings of the predicates: `predicates.NAME.type` (`TopicNameMatches`, `RecordIsTombstone`) and `predicates.NAME.pattern`.")
}

// chainParser gathers findings while it reads a section.
type chainParser struct {
	section    *configs.Section
	debezium   bool
	predicates map[string]*predicate
	used       map[string]bool
	findings   fault.Findings
}

// Chain compiles the transforms of a section, which is where c was decoded from.
func (c *TransformConfig) Chain(section *configs.Section, debezium bool) (*Chain, fault.Findings) {
	p := &chainParser{section: section, debezium: debezium, predicates: map[string]*predicate{}, used: map[string]bool{}}
	for _, name := range p.names("predicates", c.Predicates, c.conditions) {
		p.predicates[name] = p.predicate(name)
	}
	chain := &Chain{}
	for _, name := range p.names("transforms", c.Names, c.settings) {
		if s := p.step(name); s != nil {
			chain.steps = append(chain.steps, *s)
		}
	}
	for _, name := range c.Predicates {
		if !p.used[name] {
			p.findings = append(p.findings, fault.Finding{Severity: fault.Warning, Kind: fault.Configuration, Where: section.Where("predicates"),
				Seen: fmt.Sprintf("predicate %q, to which no transform refers", name), Fix: "remove it"})
		}
	}
	if len(chain.steps) == 0 {
		return nil, p.findings
	}
	return chain, p.findings
}

// names is the list of a key, or the only name that the settings have; settings of others are refused.
func (p *chainParser) names(key string, listed []string, settings map[string]string) []string {
	var found []string
	for _, setting := range p.section.Names() {
		rest, ok := strings.CutPrefix(setting, key+".")
		name, _, _ := strings.Cut(rest, ".")
		if ok && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	listed = slices.DeleteFunc(slices.Clone(listed), func(s string) bool { return s == "" })
	if len(listed) == 0 && (len(found) <= 1 || key == "predicates") {
		return found
	}
	for _, name := range found {
		if !slices.Contains(listed, name) {
			p.refuse(firstOf(p.section, key+"."+name+"."), fmt.Sprintf("settings of %q, which %s does not name", name, key), "its name in the list, which gives the order",
				fmt.Sprintf("%s: %s", key, strings.Join(append(listed, name), ",")))
		}
	}
	return listed
}

// firstOf is the first key below a prefix.
func firstOf(s *configs.Section, prefix string) string {
	for _, name := range s.Names() {
		if strings.HasPrefix(name, prefix) {
			return name
		}
	}
	return prefix
}

func (p *chainParser) refuse(key, seen, need, fix string) {
	p.findings = append(p.findings, p.section.Finding(key, seen, need, fix))
}

// transformKeys are those that every transform has.
type transformKeys struct {
	Type, Predicate string
	Negate          bool
}

func (k *transformKeys) define(d *configs.Definition, under string) {
	d.String(&k.Type, under+"type", "Class of the transform.", configs.Required())
	d.String(&k.Predicate, under+"predicate", "Name of the predicate that says for which records the transform is.", configs.Default(""))
	d.Bool(&k.Negate, under+"negate", "Whether the transform is for the other records.", configs.Default("false"))
}

// step reads one transform.
func (p *chainParser) step(name string) *step {
	under := "transforms." + name + "."
	class := p.section.Text(under + "type")
	if class == "" {
		p.refuse(under+"type", "the transform has no class", "its class", under+"type: "+flatClass)
		return nil
	}
	build, ok := transformClasses[simpleClass(class)]
	if !ok {
		p.refuse(under+"type", fmt.Sprintf("the transform %q is not built", class), "one of "+strings.Join(knownTransforms(), ", "),
			orElse(insteadOf[simpleClass(class)], "remove it"))
		return nil
	}
	var keys transformKeys
	d := configs.NewDefinition("transform " + name)
	keys.define(d, "")
	s := &step{name: name}
	finish := build(s, d, p.debezium)
	below := p.section.Below(under)
	findings := configs.Decode(below, d)
	p.findings = append(p.findings, findings...)
	if findings.Err() != nil {
		return nil
	}
	if key, err := finish(below); err != nil {
		p.refuse(under+key, err.Error(), "a value that works", "change "+under+key)
		return nil
	}
	p.condition(s, under, keys)
	return s
}

// condition attaches a transform's predicate.
func (p *chainParser) condition(s *step, under string, keys transformKeys) {
	s.negate = keys.Negate
	if keys.Predicate == "" {
		if keys.Negate {
			p.refuse(under+"negate", "no predicate to negate", "a predicate", "remove "+under+"negate")
		}
		return
	}
	p.used[keys.Predicate] = true
	only, ok := p.predicates[keys.Predicate]
	switch {
	case !ok:
		p.refuse(under+"predicate", fmt.Sprintf("there is no predicate %q", keys.Predicate), "a predicate of the list predicates",
			fmt.Sprintf("predicates.%s.type: %s", keys.Predicate, topicPredicateClass))
	case only == nil: // its own finding has said why
	case !only.tombstones:
		s.only = only
	case s.flat != nil && keys.Negate:
		s.flat.KeepTombstones = true
	default:
		p.refuse(under+"predicate", "a transform for tombstones alone", "a predicate by topic", "tombstones.on.delete: false leaves tombstones out; delete.tombstone.handling.mode of ExtractNewRecordState says what a delete becomes")
	}
}

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
	return routerOptions(s, d, []string{"regex", "replacement"}, NewRegexRoute)
}

// buildLogicalRouter is Debezium's ByLogicalTableRouter, or its successor.
func buildLogicalRouter(byTopic bool) builder {
	return func(s *step, d *configs.Definition, _ bool) func(*configs.Section) (string, error) {
		return routerOptions(s, d, logicalOptions, func(o map[string]string) (Route, error) { return NewLogicalRoute(o, byTopic) })
	}
}

// routerOptions takes a router's options as texts; the router reads them.
func routerOptions(s *step, d *configs.Definition, names []string, make func(map[string]string) (Route, error)) func(*configs.Section) (string, error) {
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

// plan is what the chain makes of one table's records.
type plan struct {
	topic  string // before the rows' own values say another
	flat   *FlatOptions
	outbox *OutboxOptions
	after  []step // routers behind a shape whose rows say their topics
}

// route is where a table's records go after the chain.
func (c *Chain) route(d Destination) Destination {
	if c == nil {
		return d
	}
	p := &plan{}
	for i := range c.steps {
		s := &c.steps[i]
		switch {
		case s.topic != nil && p.isDynamic():
			p.after = append(p.after, *s)
		case !s.isFor(d.Topic):
		case s.topic != nil:
			s.topic.apply(&d)
		case p.flat != nil || p.outbox != nil: // the records are no envelopes any more, and pass as they are
		default:
			p.flat, p.outbox = s.flat, s.outbox
		}
	}
	p.topic = d.Topic
	if p.flat != nil || p.outbox != nil {
		d.plan = p
	}
	return d
}

// isFor says whether the step's predicate takes a topic.
func (s *step) isFor(topic string) bool {
	return s.only == nil || s.only.topics.MatchString(topic) != s.negate
}

// renamed is a topic that a row says, after the routers.
func (p *plan) renamed(topic string) string {
	for i := range p.after {
		if s := &p.after[i]; s.isFor(topic) {
			d := Destination{Topic: topic}
			s.topic.apply(&d)
			topic = d.Topic
		}
	}
	return topic
}

// isDynamic says whether a row's values say which topic it goes to. The nil plan is the envelope's.
func (p *plan) isDynamic() bool {
	return p != nil && (p.outbox != nil || p.flat != nil && p.flat.RouteByField != "")
}

func (c *Chain) hasOutbox() bool {
	return c != nil && slices.ContainsFunc(c.steps, func(s step) bool { return s.outbox != nil })
}
