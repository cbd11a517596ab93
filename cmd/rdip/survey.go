package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"rdip/connect"
	"rdip/readers/postgres"
)

// survey looks at what a connector costs its server. Slots of connectors that the state folder knows and the
// configuration has no longer are nobody's.
func (d *daemon) survey(c *connectorSettings) func(context.Context) (connect.Survey, error) {
	return func(ctx context.Context) (connect.Survey, error) {
		s := d.control.inForce()
		former, err := d.formerSlots(s)
		if err != nil {
			return connect.Survey{}, err
		}
		found, err := postgres.LookAt(ctx, c.postgres, s.slots(), former)
		return connect.Survey{RetainedBytes: found.RetainedBytes, RetainLimit: found.RetainLimit, WarnBytes: s.worker.RetainedWarn,
			Detail: found.Detail, Orphans: found.Orphans, Uncovered: found.Uncovered}, err
	}
}

// slots are those of all connectors.
func (s *settings) slots() []string {
	var names []string
	for i := range s.connectors {
		names = append(names, s.connectors[i].postgres.SlotName)
	}
	return names
}

// formerSlots are the slots of connectors that have a stored record and are not configured.
func (d *daemon) formerSlots(s *settings) ([]string, error) {
	records, err := d.store.List()
	if err != nil {
		return nil, err
	}
	for i := range s.connectors {
		delete(records, s.connectors[i].name)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(records)) {
		var identity struct {
			Slot string `json:"slot"`
		}
		if json.Unmarshal([]byte(records[name].Identity), &identity) == nil && identity.Slot != "" {
			names = append(names, identity.Slot)
		}
	}
	return names, nil
}
