package postgres

import (
	"context"
	"errors"

	"rdip/internal/fault"
	"rdip/snapshot"
)

// Exact is the state at the consistent point of a temporary slot, which the snapshot that the slot exports shows
// exactly: the server builds it from the log itself (SnapBuildInitialSnapshot in snapbuild.c), not from the list of
// what is running (P67), so that a transaction is in it if and only if its commit record lies before the point (P71).
// Making the slot waits for the transactions that run when it begins, within bounds (P52).
func (l *live) Exact(ctx context.Context, asked []snapshot.Asked) (snapshot.Source, error) {
	tables := make(map[string]snapshot.Asked, len(asked))
	for _, a := range asked {
		if a.Keys != nil {
			return nil, &fault.Error{Kind: fault.Configuration, Op: "read keys of", Object: "table " + a.Table, Cause: errors.New("the table has no key"),
				Hint: "ask for its rows by a predicate, or for the whole table", Permanent: true}
		}
		tables[a.Table] = a
	}
	if err := l.checkAsked(ctx, asked); err != nil {
		return nil, err
	}
	sql, err := l.cfg.connectSQL(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sql.Close(context.WithoutCancel(ctx)) }()
	server, err := readServer(ctx, sql)
	if err != nil {
		return nil, err
	}
	repl, err := l.cfg.connect(ctx, true)
	if err != nil {
		return nil, err
	}
	name := temporaryName(l.cfg.SlotName)
	made, err := createSlot(ctx, repl, sql, name, createSlotCommand(server.major(), name, true, exportSnapshot), l.r.slotPatience)
	if err != nil {
		closeConn(repl)
		return nil, err
	}
	source := newSnapshotSource(l.cfg, repl, made)
	source.asked = tables
	return source, nil
}

// checkAsked refuses what cannot be read before a slot is made for it.
func (l *live) checkAsked(ctx context.Context, asked []snapshot.Asked) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range asked {
		if _, err := l.planning(ctx, a); err != nil {
			return err
		}
	}
	return nil
}
