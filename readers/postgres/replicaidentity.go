package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// wantedIdentity is one part of replica.identity.autoset.values.
type wantedIdentity struct {
	tables *regexp.Regexp // of schema.table, whole
	source string         // what tables was written as
	kind   byte           // pg_class.relreplident: d, f, n, i
	index  string         // with i
}

// identityPart is Debezium's form of one part (ReplicaIdentityMapper).
var identityPart = regexp.MustCompile(`(?i)^\s*([^\s:]+):(DEFAULT|FULL|NOTHING|INDEX\s+(\S+))\s*$`)

// parseIdentities reads replica.identity.autoset.values.
func parseIdentities(text string) ([]wantedIdentity, error) {
	var all []wantedIdentity
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		m := identityPart.FindStringSubmatch(part)
		if m == nil {
			return nil, fmt.Errorf("%q is not EXPRESSION:IDENTITY, such as public\\.orders:FULL, with DEFAULT, FULL, NOTHING or INDEX name", strings.TrimSpace(part))
		}
		tables, err := regexp.Compile("^(?:" + m[1] + ")$")
		if err != nil {
			return nil, err
		}
		w := wantedIdentity{tables: tables, source: m[1], kind: strings.ToLower(m[2])[0], index: m[3]}
		all = append(all, w)
	}
	return all, nil
}

func checkIdentities(text string) error {
	_, err := parseIdentities(text)
	return err
}

// clause is how ALTER TABLE ... REPLICA IDENTITY spells it.
func (w wantedIdentity) clause() string {
	switch w.kind {
	case 'f':
		return "FULL"
	case 'n':
		return "NOTHING"
	case 'i':
		return "USING INDEX " + quoteIdentifier(w.index)
	default:
		return "DEFAULT"
	}
}

const identityIndexSQL = `
SELECT coalesce((SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	WHERE i.indrelid = $1::oid AND i.indisreplident), '')`

// has says whether a table has that identity already.
func (w wantedIdentity) has(ctx context.Context, q querier, t *table) (bool, error) {
	if t.Identity != w.kind || w.kind != 'i' {
		return t.Identity == w.kind, nil
	}
	var index string
	err := q.QueryRow(ctx, identityIndexSQL, t.OID).Scan(&index)
	return index == w.index, err
}

// identityOf is the one identity that is asked for a table; nil for none.
func identityOf(all []wantedIdentity, id string) (*wantedIdentity, error) {
	var found *wantedIdentity
	for i := range all {
		if !all[i].tables.MatchString(id) {
			continue
		}
		if found != nil {
			return nil, &fault.Error{Kind: fault.Configuration, Op: "set the replica identity", Object: "of table " + id, Permanent: true,
				Cause: errors.New("more than one expression of replica.identity.autoset.values matches it"), Hint: "make the expressions match different tables"}
		}
		found = &all[i]
	}
	return found, nil
}

// givesIdentity says whether the start gives a table an identity under which it can be published.
func (c *Config) givesIdentity(t *table) bool {
	all, err := parseIdentities(c.Identities)
	if err != nil {
		return false
	}
	w, err := identityOf(all, t.ID())
	return err == nil && w != nil && (w.kind == 'f' || w.kind == 'i' || w.kind == 'd' && len(t.PrimaryKey) > 0)
}

// setIdentities gives the captured tables the replica identities that the configuration asks for, before
// anything of them is published. What it changes is told in a notice a table.
func (o *opening) setIdentities(ctx context.Context) error {
	all, err := parseIdentities(o.cfg.Identities)
	if err != nil || len(all) == 0 || o.server.Standby {
		return err
	}
	changed := false
	for _, t := range o.want.leaves() {
		w, err := identityOf(all, t.ID())
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		done, err := o.setIdentity(ctx, t, w)
		if err != nil {
			return err
		}
		changed = changed || done
	}
	if !changed {
		return nil
	}
	o.want, err = newCatalog(o.cfg, o.sql).capture(ctx, o.cfg.PublicationViaRoot)
	return err
}

// identityLock is how long the statement may wait for its table. It takes the strongest lock there is: while it waits,
// the application's own statements wait behind it.
const identityLock = "1s"

const lockHoldersSQL = `
SELECT string_agg(DISTINCT format('PID %s (%s), %s, its transaction is %s old', a.pid, coalesce(nullif(a.application_name, ''), a.backend_type), coalesce(a.state, 'running'),
	date_trunc('second', now() - coalesce(a.xact_start, now()))), '; ')
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = $1::oid AND l.granted AND a.pid <> pg_backend_pid()`

// locked is a table that others hold for longer than the statement may wait. It is tried again.
func (o *opening) locked(ctx context.Context, t *table, object string) error {
	cause := fmt.Sprintf("the table was locked for more than %s", identityLock)
	var holders *string
	if err := o.sql.QueryRow(ctx, lockHoldersSQL, t.OID).Scan(&holders); err == nil && holders != nil {
		cause += ", now by " + *holders
	}
	return &fault.Error{Op: "set", Object: object, Cause: errors.New(cause), Hint: "end these transactions, or set it by hand at a quiet time; until then it is tried again"}
}

func (o *opening) setIdentity(ctx context.Context, t *table, w *wantedIdentity) (changed bool, err error) {
	if same, err := w.has(ctx, o.sql, t); err != nil || same {
		return false, err
	}
	sql := fmt.Sprintf("ALTER TABLE ONLY %s REPLICA IDENTITY %s", quoteTable(t.Schema, t.Name), w.clause())
	// Two statements in one query are one transaction.
	_, err = o.sql.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = '%s'; %s", identityLock, sql), pgx.QueryExecModeSimpleProtocol)
	object := "the replica identity of table " + t.ID()
	var server *pgconn.PgError
	if errors.As(err, &server) && (server.Code == stateNoPrivilege || server.Code == stateUndefinedObject || server.Code[:2] == "42") {
		return false, &fault.Error{Kind: fault.Preflight, Op: "set", Object: object, Cause: said(server), Permanent: true,
			Hint: fmt.Sprintf("as the table's owner or a superuser: %s; or take the table out of replica.identity.autoset.values", sql)}
	}
	if server != nil && server.Code == stateLockNotAvailable {
		return false, o.locked(ctx, t, object)
	}
	if err != nil {
		return false, serverFault("set", object, err)
	}
	o.notices = append(o.notices, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: "table " + t.ID(),
		Seen: "its replica identity was set, as replica.identity.autoset.values asks: " + sql})
	return true, nil
}
