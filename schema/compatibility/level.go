package compatibility

import (
	"fmt"
	"strings"
)

// Level is what a subject asks of a new schema, in Confluent's words.
type Level string

// Confluent's levels.
const (
	None               Level = "NONE"
	Backward           Level = "BACKWARD"            // the new schema reads what the latest wrote
	BackwardTransitive Level = "BACKWARD_TRANSITIVE" // and what every earlier one wrote
	Forward            Level = "FORWARD"             // the latest reads what the new schema writes
	ForwardTransitive  Level = "FORWARD_TRANSITIVE"  // and every earlier one
	Full               Level = "FULL"                // both
	FullTransitive     Level = "FULL_TRANSITIVE"     // both, with every earlier one
)

// ParseLevel reads a level in any case, as Confluent does.
func ParseLevel(text string) (Level, error) {
	switch l := Level(strings.ToUpper(text)); l {
	case None, Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive:
		return l, nil
	}
	return "", fmt.Errorf("compatibility level %q: needed is one of NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, "+
		"FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE", text)
}

// Transitive says whether every earlier schema counts, not only the latest.
func (l Level) Transitive() bool { return strings.HasSuffix(string(l), "_TRANSITIVE") }

func (l Level) backward() bool { return strings.HasPrefix(string(l), "BACKWARD") || l.full() }
func (l Level) forward() bool  { return strings.HasPrefix(string(l), "FORWARD") || l.full() }
func (l Level) full() bool     { return strings.HasPrefix(string(l), "FULL") }

// Judge says what keeps proposed from following earlier, one schema, at this level; nothing when it may.
func (l Level) Judge(proposed, earlier *Schema) []Incompatibility {
	var found []Incompatibility
	if l.backward() {
		found = append(found, Check(proposed, earlier)...)
	}
	if l.forward() {
		for _, i := range Check(earlier, proposed) {
			i.forward = true
			found = append(found, i)
		}
	}
	return found
}
