package source

import (
	"fmt"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
)

// Foresee says what a start that delivers exactly once would make of the topic of positions, and changes nothing. records
// are the newest of the connector's keys; file is what the state folder has, nil where that is not known.
func Foresee(connector, prefix string, form OffsetForm, topic sinks.Topic, records []sinks.Record, file *offsets.Contents) []fault.Finding {
	k := &known{connector: connector, topic: topic, form: form}
	if file != nil {
		k.record, k.stored = file.Connectors[connector]
		k.tables, k.forgotten = file.Tables[connector], file.Forgotten[connector]
	}
	err := k.read(prefix, records)
	var chosen *choice
	if err == nil {
		chosen, err = k.choose()
	}
	if err != nil {
		f := refusal(err)
		f.Need = "a position that the connector can go on from: it does not start otherwise"
		return []fault.Finding{f}
	}
	told := chosen.notice
	if told == "" && (k.inTopic.Fields != nil || k.void() && len(k.inTopic.Keys) > 0) {
		told = k.goesOn(chosen, file != nil)
	}
	if told == "" {
		return nil
	}
	return []fault.Finding{{Severity: fault.Notice, Kind: fault.Preflight, Where: "connector " + connector, Seen: told}}
}

// goesOn says from which of two positions a connector goes on, where the topic has one of ours.
func (k *known) goesOn(c *choice, sure bool) string {
	switch {
	case !sure:
		return fmt.Sprintf("topic %s has its position %s, from which it goes on unless the state folder, which cannot be looked at now, says otherwise", k.topic.Name, c.record.Position)
	case !c.write:
		return fmt.Sprintf("topic %s has its position %s, from which it goes on", k.topic.Name, c.record.Position)
	case k.forgotten && !k.stored:
		return fmt.Sprintf("it was reset: what topic %s has of it is void, and it begins with a new snapshot", k.topic.Name)
	case k.void():
		return fmt.Sprintf("what topic %s has of it is void, and it goes on from what the state folder has", k.topic.Name)
	default:
		return fmt.Sprintf("topic %s has its position %s, and the state folder a newer one, %s, from which it goes on", k.topic.Name, k.inTopic.Record.Position, c.record.Position)
	}
}
