package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"rdip/connect"
	"rdip/internal/fault"
	"rdip/offsets"
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
		if slot := slotOf(records[name]); slot != "" {
			names = append(names, slot)
		}
	}
	return names, nil
}

// slotOf is the slot of a stored position; "" where there is none yet.
func slotOf(r offsets.Record) string {
	var identity struct {
		Slot string `json:"slot"`
	}
	if json.Unmarshal([]byte(r.Identity), &identity) != nil {
		return ""
	}
	return identity.Slot
}

// moved finds connectors whose stored position belongs to another slot than a changed configuration names: their starts
// would fail, and with the last of them the process (D9, P62).
func (d *daemon) moved(next *settings) error {
	records, err := d.store.List()
	if err != nil {
		return err
	}
	var findings fault.Findings
	for _, section := range next.file.Connectors {
		c, err := next.named(section.Name)
		if err != nil {
			return err
		}
		was := slotOf(records[c.name])
		if was == "" || was == c.postgres.SlotName {
			continue
		}
		findings = append(findings, fault.Finding{Kind: fault.Configuration, Where: section.Where("slot.name"), Case: "D9",
			Seen: fmt.Sprintf("%q, and the stored position of %s belongs to slot %q", c.postgres.SlotName, c.name, was), Need: "the slot of the position: another one may lack what that one still has to send",
			Fix: fmt.Sprintf("put it back; or, to copy everything again through another slot, before the change: rdip stop %[1]s, rdip drop %[1]s --config %[2]s; after it, rdip resume %[1]s", c.name, next.path)})
	}
	return findings.Err()
}
