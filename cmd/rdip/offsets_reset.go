package main

import (
	"context"
	"fmt"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers/postgres"
)

type offsetsReset struct {
	stateFlags `embed:""`
	DropSlot   bool   `help:"Also drop the connector's slot, so that its next start makes a new one. Needs --config."`
	Yes        bool   `short:"y" help:"Do not ask."`
	Connector  string `arg:"" help:"The connector."`
}

// Run forgets the position, after asking, and drops the slot if that is wanted.
func (c offsetsReset) Run(ctx context.Context) error {
	if !c.Yes && !confirmed(fmt.Sprintf("The next start of %s copies every table again. Go on?", c.Connector)) {
		return &fault.Error{Kind: fault.Configuration, Op: "reset offsets of", Object: c.Connector, Cause: fmt.Errorf("not confirmed"), Hint: "add --yes", Permanent: true}
	}
	slot, err := c.slot()
	if err != nil {
		return err
	}
	err = withStore(c.stateFlags, func(store *offsets.Store) error {
		if err := c.known(store); err != nil {
			return err
		}
		if slot != nil {
			if err := postgres.DropSlot(ctx, *slot); err != nil {
				return err
			}
		}
		return store.Delete(c.Connector)
	})
	switch {
	case err != nil:
	case slot != nil:
		fmt.Printf("%s: forgotten, and slot %s is gone\n", c.Connector, slot.SlotName)
	default:
		fmt.Printf("%s: forgotten. Its slot, if it still exists, is to be dropped too: rdip offsets reset %[1]s --drop-slot --config FILE, or in the database: SELECT pg_drop_replication_slot('...')\n", c.Connector)
	}
	return err
}

// known refuses a name that neither the configuration nor the state folder has. A folder that was lost has none, and the
// topic of positions may still know the connector.
func (c offsetsReset) known(store *offsets.Store) error {
	if c.Config != "" {
		if file, _ := configs.Load(c.Config); file != nil && file.Connector(c.Connector) != nil {
			return nil
		}
	}
	_, err := mustGet(store, c.Connector)
	return err
}

// slot is the configuration that says which slot to drop; nil where none is to be.
func (c offsetsReset) slot() (*postgres.Config, error) {
	if !c.DropSlot {
		return nil, nil
	}
	if c.Config == "" {
		return nil, &fault.Error{Kind: fault.Configuration, Op: "drop the slot of", Object: c.Connector, Permanent: true,
			Cause: fmt.Errorf("the configuration says which it is"), Hint: "add --config /etc/rdip/rdip.yaml"}
	}
	s, err := load(c.Config)
	if err != nil {
		return nil, err
	}
	connector, err := s.named(c.Connector)
	if err != nil {
		return nil, err
	}
	return &connector.postgres, nil
}
