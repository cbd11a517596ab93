package connect

import (
	"testing"

	"rdip/connect/source"
)

// A look from before an attempt says nothing of what the attempt made, such as the slot.
func TestALookFromBeforeAnAttemptIsNotShownAfterIt(t *testing.T) {
	before := looked{survey: Survey{Detail: "the slot does not exist"}, known: true, tries: 1}
	for retries, want := range map[int]string{1: "the slot does not exist", 2: ""} {
		status := source.Status{Retries: retries}
		status.Source.RetainedBytes = -1
		if _, _, detail := before.cost(&status); detail != want {
			t.Errorf("after attempt %d: %q", retries, detail)
		}
	}
}
