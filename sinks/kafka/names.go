package kafka

import (
	"fmt"
	"slices"
	"strings"

	"rdip/internal/fault"
)

// maxTopicName is Kafka's limit in bytes (Topic.MAX_NAME_LENGTH).
const maxTopicName = 249

// TopicName says why Kafka would refuse a topic's name (Topic.validate), or nil. The error is permanent.
func TopicName(name string) error {
	need := ""
	switch {
	case name == "":
		need = "a name"
	case name == "." || name == "..":
		need = `a name other than "." and ".."`
	case len(name) > maxTopicName:
		need = fmt.Sprintf("at most %d bytes, not %d", maxTopicName, len(name))
	case strings.ContainsFunc(name, illegalInTopic):
		i := strings.IndexFunc(name, illegalInTopic)
		need = fmt.Sprintf("only ASCII letters, digits, '.', '_' and '-', not %q", []rune(name[i:])[0])
	default:
		return nil
	}
	return &fault.Error{Kind: fault.Configuration, Op: "name topic", Object: fmt.Sprintf("%q", name), Permanent: true,
		Cause: fmt.Errorf("Kafka takes %s", need), Hint: "choose another topic.prefix or route the table to another topic"}
}

func illegalInTopic(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
}

// TopicCollisions finds names that cannot live together in one cluster (K8): names that Kafka refuses,
// the same name asked for by two tables, and names that differ only in '.' and '_', which Kafka's metrics
// cannot tell apart and which it therefore refuses to create beside each other. One finding a group.
func TopicCollisions(names []string) []fault.Finding {
	var found []fault.Finding
	groups := map[string][]string{}
	for _, name := range names {
		if err := TopicName(name); err != nil {
			found = append(found, fault.Finding{Kind: fault.Configuration, Case: "K8", Where: fmt.Sprintf("topic %q", name),
				Seen: "a name that Kafka refuses", Need: "at most 249 ASCII letters, digits, '.', '_' and '-'",
				Fix: "choose another topic.prefix or route the table to another topic"})
			continue
		}
		shape := strings.ReplaceAll(name, ".", "_")
		groups[shape] = append(groups[shape], name)
	}
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		slices.Sort(group)
		found = append(found, fault.Finding{Kind: fault.Configuration, Case: "K8",
			Where: "topics " + strings.Join(group, ", "), Seen: collision(group), Need: "a topic of its own for each table",
			Fix: "route one of the tables to another topic"})
	}
	slices.SortFunc(found, func(a, b fault.Finding) int { return strings.Compare(a.Where, b.Where) })
	return found
}

func collision(group []string) string {
	if group[0] == group[len(group)-1] {
		return fmt.Sprintf("%d tables have this topic", len(group))
	}
	return "names that differ only in '.' and '_', which collide in Kafka"
}
