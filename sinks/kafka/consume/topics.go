package consume

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rdip/internal/fault"
)

// Pattern chooses topics: a name, a glob (* and ?), or a regular expression between slashes, which has to
// match the whole name.
type Pattern struct {
	text string
	re   *regexp.Regexp // nil for a name
}

// ParsePattern reads a pattern.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{text: text}
	expression := ""
	switch {
	case len(text) > 2 && text[0] == '/' && strings.HasSuffix(text, "/"):
		expression = text[1 : len(text)-1]
	case strings.ContainsAny(text, "*?"):
		expression = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(text))
	case text == "":
		return p, badPattern(text, fmt.Errorf("it is empty"))
	default:
		return p, nil
	}
	var err error
	if p.re, err = regexp.Compile("^(?:" + expression + ")$"); err != nil {
		return p, badPattern(text, err)
	}
	return p, nil
}

func badPattern(text string, err error) error {
	return &fault.Error{Kind: fault.Configuration, Op: "read", Object: fmt.Sprintf("topic %q", text), Cause: err, Permanent: true,
		Hint: "name a topic (shop.public.orders), a glob ('shop.*') or an expression ('/shop\\.(a|b)/')"}
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

func (p Pattern) isName() bool { return p.re == nil }

// match says whether a topic is meant. Kafka's own topics (__consumer_offsets) are only by their name.
func (p Pattern) match(topic string) bool {
	if p.isName() {
		return p.text == topic
	}
	return p.re.MatchString(topic) && !strings.HasPrefix(topic, "__consumer_offsets") && !strings.HasPrefix(topic, "__transaction_state")
}

// choose is the topics that some pattern means, sorted; missing are the patterns that mean none.
func choose(patterns []Pattern, topics []string) (chosen []string, missing []Pattern) {
	for _, p := range patterns {
		found := false
		for _, topic := range topics {
			if p.match(topic) {
				found = true
				chosen = append(chosen, topic)
			}
		}
		if !found {
			missing = append(missing, p)
		}
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), missing
}

// noTopic is the error of a pattern that means no topic of those that there are.
func noTopic(p Pattern, topics []string) error {
	e := &fault.Error{Kind: fault.Configuration, Op: "read", Object: fmt.Sprintf("topic %q", p.text), Permanent: true,
		Cause: fmt.Errorf("the cluster has no such topic, of the %d that this client may see", len(topics)), Hint: "start its connector, or look whether --bootstrap-server is the right cluster"}
	if !p.isName() {
		e.Cause = fmt.Errorf("it matches none of the %d topics that this client may see", len(topics))
	}
	if near := nearest(p.text, topics, 3); len(near) > 0 {
		e.Hint = "rdip tail " + strings.Join(near, ", or ")
	}
	return e
}

// nearest is up to n names that may be meant: those that contain the text, or few edits away from it.
func nearest(text string, names []string, n int) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	wanted := strings.ToLower(strings.Trim(text, "*?/"))
	for _, name := range names {
		lower := strings.ToLower(name)
		switch d := edits(wanted, lower); {
		case d <= max(2, len(text)/4):
			near = append(near, candidate{name, d})
		case len(wanted) > 2 && strings.Contains(lower, wanted):
			near = append(near, candidate{name, len(text) + d})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	out := make([]string, 0, n)
	for _, c := range near[:min(n, len(near))] {
		out = append(out, c.name)
	}
	return out
}

// edits is Levenshtein's distance, in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := corner
			if a[i] != b[j] {
				d = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
