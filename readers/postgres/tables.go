package postgres

import (
	"context"
	"errors"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
)

// Tables are the captured tables as events would name them now; it changes nothing.
func (r *Reader) Tables(ctx context.Context) ([]*schema.Table, error) {
	conn, err := r.cfg.connectSQL(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	c := newCatalog(r.cfg, conn)
	found, err := c.capture(ctx, r.cfg.PublicationViaRoot)
	if err != nil {
		return nil, err
	}
	tables := make([]*schema.Table, len(found.units))
	for i, u := range found.units {
		layout, err := c.layout(ctx, u.relation())
		if err != nil {
			return nil, err
		}
		tables[i] = layout.Table
	}
	return tables, nil
}

// PositionAt is the position at an LSN such as 0/16B3748, as the store keeps it.
func PositionAt(lsn string) (text string, place uint64, err error) {
	if place, err = parseLSN(lsn); err != nil {
		return "", 0, err
	}
	if place == 0 {
		return "", 0, errNoPlace
	}
	return encodePosition(offsets.Position{Place: place}), place, nil
}

// Confirmed is what the slot has been told is delivered.
func (r *Reader) Confirmed(ctx context.Context) (offsets.Position, error) {
	conn, err := r.cfg.connectSQL(ctx)
	if err != nil {
		return offsets.Position{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	s, err := readSlot(ctx, conn, r.cfg.SlotName)
	if err != nil {
		return offsets.Position{}, serverFault("read", slotObject(r.cfg.SlotName), err)
	}
	if s == nil {
		return offsets.Position{}, &fault.Error{Kind: fault.PositionLost, Op: "read", Object: slotObject(r.cfg.SlotName), Permanent: true,
			Cause: errors.New("it does not exist (P48)"), Hint: "rdip offsets reset " + r.name + " --config FILE"}
	}
	return offsets.Position{Place: s.Confirmed}, nil
}
