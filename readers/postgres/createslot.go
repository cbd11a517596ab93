package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// slotPatience is how long the making of a slot may wait for transactions that are older than it (P52).
const slotPatience = time.Minute

// snapshotUse is what a new slot does with the snapshot of its consistent point.
type snapshotUse bool

const (
	exportSnapshot snapshotUse = true
	noSnapshot     snapshotUse = false
)

// newSlot is a slot just made. The snapshot stays while the connection that made the slot stays idle.
type newSlot struct {
	Consistent uint64 // everything that commits behind it is in the slot, everything before it in the snapshot
	Snapshot   string // name of the exported snapshot, "" without one
}

// createSlotCommand is CREATE_REPLICATION_SLOT as the server's version spells it: options in parentheses
// came with 15.
func createSlotCommand(version int, name string, temporary bool, use snapshotUse) string {
	command := "CREATE_REPLICATION_SLOT " + quoteIdentifier(name)
	if temporary {
		command += " TEMPORARY"
	}
	command += " LOGICAL " + quoteIdentifier(plugin)
	switch {
	case version < 15 && use == exportSnapshot:
		return command + " EXPORT_SNAPSHOT"
	case version < 15:
		return command + " NOEXPORT_SNAPSHOT"
	case use == exportSnapshot:
		return command + " (SNAPSHOT 'export')"
	default:
		return command + " (SNAPSHOT 'nothing')"
	}
}

// createSlot makes a slot over conn, a replication connection. The server waits there for every transaction
// that was running when it began, whatever it does; after the patience a transient error names what is in
// the way, asked over q, and nothing is left behind.
func createSlot(ctx context.Context, conn *pgconn.PgConn, q querier, name, command string, patience time.Duration) (newSlot, error) {
	type answer struct {
		row []string
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		row, err := replicationRow(context.WithoutCancel(ctx), conn, command, 4)
		answers <- answer{row, err}
	}()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var got answer
	select {
	case got = <-answers:
	case <-limited.Done():
		late := tooLate(context.WithoutCancel(ctx), q, conn.PID(), name, patience)
		giveUp(conn)
		if got = <-answers; got.err != nil && ctx.Err() != nil {
			return newSlot{}, context.Cause(ctx)
		}
		if got.err != nil {
			return newSlot{}, late
		}
	}
	if got.err != nil {
		return newSlot{}, creationFault(name, got.err)
	}
	consistent, err := parseLSN(got.row[1])
	if err != nil {
		return newSlot{}, &fault.Error{Op: "create", Object: slotObject(name), Cause: err}
	}
	return newSlot{Consistent: consistent, Snapshot: got.row[2]}, nil
}

// cancelTime bounds how long a command that was given up may go on.
const cancelTime = 10 * time.Second

// giveUp has the command that runs on conn end soon, by the server where it listens. A walsender that waits
// for a transaction does not notice that its client is gone, so closing alone would leave it waiting.
func giveUp(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelTime)
	defer cancel()
	_ = conn.CancelRequest(ctx)
	_ = conn.Conn().SetReadDeadline(time.Now().Add(cancelTime))
}

// creationFault is a slot that the server refused to make.
func creationFault(name string, err error) error {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return serverFault("create", slotObject(name), err)
	}
	f := &fault.Error{Kind: fault.Preflight, Op: "create", Object: slotObject(name), Cause: said(server), Permanent: true}
	switch server.Code {
	case "53400": // configuration_limit_exceeded
		f.Hint = "drop a slot that nobody uses, or raise max_replication_slots in postgresql.conf and restart"
	case stateNotInPrerequisite:
		f.Hint = "set wal_level=logical in postgresql.conf and restart"
	case stateNoPrivilege:
		f.Hint = "give the role REPLICATION: ALTER ROLE ... REPLICATION"
	default:
		return serverFault("create", slotObject(name), err)
	}
	return f
}

const blockerSQL = `
SELECT a.pid, concat_ws(' ', nullif(a.application_name, ''), 'as', a.usename), coalesce(a.state, 'state unknown'),
	coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, -1)
FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids($1::int4)) ORDER BY a.xact_start LIMIT 1`

const preparedBlockerSQL = `
SELECT p.gid, extract(epoch FROM clock_timestamp() - p.prepared)::bigint
FROM pg_prepared_xacts p, pg_locks l
WHERE 0 = ANY (pg_blocking_pids($1::int4)) AND l.pid = $1::int4 AND NOT l.granted AND l.transactionid = p.transaction`

// tooLate is the error for a slot whose making waited too long, naming what it waits for: pid is the
// walsender's (P52).
func tooLate(ctx context.Context, q querier, pid uint32, name string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, cancelTime)
	defer cancel()
	f := &fault.Error{Op: "create", Object: slotObject(name), Hint: "wait for the transactions to end that were running when the slot was begun"}
	waited := fmt.Sprintf("the server waited %s for an older transaction to end", patience)
	var blocker int
	var who, state, gid string
	var seconds int64
	if err := q.QueryRow(ctx, blockerSQL, pid).Scan(&blocker, &who, &state, &seconds); err == nil {
		f.Cause = fmt.Errorf("%s: PID %d (%s), %s, its transaction is %s old", waited, blocker, who, state, age(seconds))
		f.Hint = fmt.Sprintf("end that transaction, or SELECT pg_terminate_backend(%d)", blocker)
		return f
	}
	if err := q.QueryRow(ctx, preparedBlockerSQL, pid).Scan(&gid, &seconds); err == nil {
		f.Cause = fmt.Errorf("%s: the prepared transaction %s, %s old", waited, quoteLiteral(gid), age(seconds))
		f.Hint = fmt.Sprintf("COMMIT PREPARED %s, or ROLLBACK PREPARED %s", quoteLiteral(gid), quoteLiteral(gid))
		return f
	}
	f.Cause = errors.New(waited)
	var standby bool
	if err := q.QueryRow(ctx, "SELECT pg_catalog.pg_is_in_recovery()").Scan(&standby); err == nil && standby {
		f.Cause = fmt.Errorf("the standby waited %s for its primary to tell which transactions run (P53)", patience)
		f.Hint = standbySnapshotHint
	}
	return f
}

// age is a time span for people; the server does not tell it to every role.
func age(seconds int64) string {
	if seconds < 0 {
		return "an unknown time"
	}
	return (time.Duration(seconds) * time.Second).String()
}
