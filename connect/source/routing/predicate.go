package routing

import (
	"fmt"
	"regexp"

	"rdip/configs"
)

// TopicPredicate is the class of the predicate by which a transform is for some tables only.
const TopicPredicate = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"

// predicate says for which records a transform is: those of some topics, or tombstones.
type predicate struct {
	topics     *regexp.Regexp // the whole name matches
	tombstones bool
}

// predicate reads one predicate; nil with a finding.
func (p *chainParser) predicate(name string) *predicate {
	under := "predicates." + name + "."
	var class, pattern string
	d := configs.NewDefinition("predicate " + name)
	d.String(&class, "type", "Class of the predicate.", configs.Required())
	d.String(&pattern, "pattern", "Expression that the whole name of a topic must match.", configs.Default(""))
	findings := configs.Decode(p.section.Below(under), d)
	p.findings = append(p.findings, findings...)
	if findings.Err() != nil {
		return nil
	}
	switch simpleClass(class) {
	case "TopicNameMatches":
		topics, err := regexp.Compile(`^(?:` + pattern + `)$`)
		if err != nil || pattern == "" {
			p.refuse(under+"pattern", fmt.Sprintf("%q", pattern), "a regular expression", fmt.Sprintf("%spattern: '.*\\.outbox'", under))
			return nil
		}
		return &predicate{topics: topics}
	case "RecordIsTombstone":
		return &predicate{tombstones: true}
	default:
		p.refuse(under+"type", fmt.Sprintf("the predicate %q is not built", class), "TopicNameMatches or RecordIsTombstone",
			under+"type: "+TopicPredicate)
		return nil
	}
}
