package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// unrunnable are what a statement is refused with that names what is not there, or that the role may not.
var unrunnable = []string{stateUndefinedTable, stateUndefinedColumn, stateUndefinedFunction, stateUndefinedSchema, stateNoPrivilege}

// heartbeatFindings judges heartbeat.action.query by EXPLAIN, which resolves its names and checks its privileges, and
// runs nothing (ExecCheckPermissions in execMain.c; EXEC_FLAG_EXPLAIN_ONLY), in a transaction that is read only and
// rolled back. Of several statements, or one that cannot be explained, nothing is said.
func (c *Config) heartbeatFindings(ctx context.Context, standby bool) ([]fault.Finding, error) {
	if c.HeartbeatActionQuery == "" || standby {
		return nil, nil
	}
	conn, err := c.connectWithout(ctx, "search_path")
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, serverFault("begin", "heartbeat.action.query", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = tx.Exec(ctx, "EXPLAIN (COSTS OFF) "+c.HeartbeatActionQuery, pgx.QueryExecModeExec) // the extended protocol takes one statement only
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil, nil
	case !errors.As(err, &refused):
		return nil, serverFault("try", "heartbeat.action.query", err)
	case !slices.Contains(unrunnable, refused.Code):
		return nil, nil
	}
	return []fault.Finding{{Severity: fault.Warning, Kind: fault.Preflight, Where: "heartbeat.action.query", Seen: said(refused).Error(),
		Need: "a statement that role " + quoteIdentifier(c.User) + " may run", Fix: "make the table and grant the role what the statement needs, or remove heartbeat.action.query", Case: "P43"}}, nil
}
