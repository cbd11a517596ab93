package routing

import (
	"fmt"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

// TransformConfig is the keys of transforms and predicates as they are written.
type TransformConfig struct {
	Names      []string
	settings   map[string]string
	Predicates []string
	conditions map[string]string
}

// Define binds the keys to c and fills in the defaults.
func (c *TransformConfig) Define(d *configs.Definition) {
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
			fmt.Sprintf("predicates.%s.type: %s", keys.Predicate, TopicPredicate))
	case only == nil: // its own finding has said why
	case !only.tombstones:
		s.only = only
	case s.flat != nil && keys.Negate:
		s.flat.KeepTombstones = true
	default:
		p.refuse(under+"predicate", "a transform for tombstones alone", "a predicate by topic", "tombstones.on.delete: false leaves tombstones out; delete.tombstone.handling.mode of ExtractNewRecordState says what a delete becomes")
	}
}
