package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// SQLSTATEs that mean something of their own here
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	stateNotSupported       = "0A000"
	stateUntranslatable     = "22P05"
	stateNoSuchDatabase     = "3D000"
	stateBadPassword        = "28P01"
	stateBadAuthorization   = "28000"
	stateNoPrivilege        = "42501"
	stateUndefinedObject    = "42704"
	stateUndefinedTable     = "42P01"
	stateUndefinedColumn    = "42703"
	stateUndefinedFunction  = "42883"
	stateUndefinedSchema    = "3F000"
	stateNotInPrerequisite  = "55000"
	stateObjectInUse        = "55006"
	stateUndefinedFile      = "58P01"
	stateTooManyConnections = "53300"
	stateLockNotAvailable   = "55P03"
)

// Functions of the server that refuse a login, as ErrorResponse names them: one SQLSTATE stands for several
// causes, and messages are translated (postinit.c, miscinit.c).
const (
	routineDatabase = "CheckMyDatabase"         // the role lacks CONNECT
	routineRole     = "InitializeSessionUserId" // there is no such role, or it may not log in
)

// stateError is what the server said, with its SQLSTATE and nothing that could be a row's data: DETAIL and
// WHERE are left out.
type stateError struct {
	Code    string
	Message string
}

func (e *stateError) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

func said(e *pgconn.PgError) *stateError { return &stateError{Code: e.Code, Message: e.Message} }

// serverFault is a failed exchange with the server: what it said, or a lost connection.
func serverFault(op, object string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return &fault.Error{Op: op, Object: object, Cause: err}
	}
	return &fault.Error{Op: op, Object: object, Cause: said(server), Permanent: isPermanentState(server.Code), Hint: lockHint(err)}
}

// lockHint is what helps where the server gave up waiting for a table, else "".
func lockHint(err error) string {
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != stateLockNotAvailable {
		return ""
	}
	return "another transaction has locked a captured table for itself (ALTER TABLE, VACUUM FULL): it is tried again; to see which: " +
		"SELECT relation::regclass, pid FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted. Or raise snapshot.lock.timeout.ms"
}

// isPermanentState sorts the SQLSTATE classes for which nothing that is done here tells more: what was sent
// is wrong (22, 42 and so on) and stays wrong; connections, resources, shutdowns and the server's own
// failures (08, 53, 57, 58, XX) may pass.
func isPermanentState(code string) bool {
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case "0A", "22", "28", "2F", "3D", "3F", "42":
		return true
	}
	return false
}

// lostConnection is a connection that ended or failed below PostgreSQL's protocol.
func lostConnection(err error) error {
	return &fault.Error{Op: "receive the log", Cause: fmt.Errorf("the connection was lost: %w", err)}
}

// refused is a login that the server, or a pooler before it, refused.
func (c *Config) refused(e *pgconn.PgError) error {
	f := &fault.Error{Op: "connect to", Object: c.object(), Cause: said(e), Permanent: isPermanentState(e.Code)}
	switch {
	case strings.Contains(e.Message, "unsupported startup parameter"):
		// P64: PgBouncer's words (its objects.c and client.c); it is not translated.
		f.Permanent = true
		f.Hint = c.address() + " is PgBouncer, which takes no replication connections or not our session settings: " + withoutPooler
	case e.Code == stateBadPassword:
		f.Hint = "check database.user and database.password"
	case e.Code == stateBadAuthorization && e.Routine == routineRole:
		f.Hint = fmt.Sprintf("ALTER ROLE %[1]s LOGIN; or, where the role does not exist: CREATE ROLE %[1]s LOGIN REPLICATION", quoteIdentifier(c.User))
	case e.Code == stateBadAuthorization:
		f.Hint = fmt.Sprintf("let role %s log in to database %s from this address in pg_hba.conf, and reload", quoteIdentifier(c.User), quoteIdentifier(c.Database))
	case e.Code == stateNoSuchDatabase:
		f.Hint = "check database.dbname"
	case e.Code == stateNoPrivilege && e.Routine == routineDatabase:
		f.Hint = fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", quoteIdentifier(c.Database), quoteIdentifier(c.User))
	case e.Code == stateNoPrivilege:
		f.Hint = fmt.Sprintf("ALTER ROLE %s REPLICATION", quoteIdentifier(c.User))
	case e.Code == stateTooManyConnections:
		f.Hint = "raise max_connections or max_wal_senders in postgresql.conf and restart"
	}
	if f.Permanent {
		f.Kind = fault.Preflight
	}
	return f
}
