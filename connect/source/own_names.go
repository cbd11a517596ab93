package source

import (
	"fmt"

	"rdip/internal/fault"
)

// refusesMessages is an error where the topic of logical messages is a table's. That none is emitted nobody can tell
// before, so the first one stops the connector, and not the table before it.
func (ts *tables) refusesMessages(topic string) error {
	for _, t := range ts.all() {
		if shown, _ := t.shown(); shown.Name == topic {
			return &fault.Error{Kind: fault.Configuration, Op: "write", Object: "a logical message", Permanent: true,
				Cause: fmt.Errorf("its topic %s is that of table %s too (K8)", topic, t.id), Hint: "name the table's topic otherwise with topic.naming, or message.prefix.exclude.list: .* to leave messages out"}
		}
	}
	return nil
}
