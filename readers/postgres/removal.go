package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// signature begins the comment of a publication that rdip made; the slot's name follows it.
const signature = "made by rdip for slot "

// signPublicationSQL notes on the publication that we made it, and for which slot, so that what removes the
// connector later knows.
func (c *Config) signPublicationSQL() string {
	return fmt.Sprintf("COMMENT ON PUBLICATION %s IS %s", quoteIdentifier(c.PublicationName), quoteLiteral(signature+c.SlotName))
}

// Leftover is one thing that a connector has on its server.
type Leftover struct {
	Object string // for people: slot "rdip"
	SQL    string // what removes it
	Keep   string // why it stays; "" where it is removed
	Busy   string // who uses it now, so that it cannot be removed; "" for nobody
}

// Others is what other connectors of the same configuration use in the same database.
type Others struct {
	Publication bool // the same publication
	DDL         bool // the event trigger of ddl.capture
}

// Leftovers are the slot, the publication and the event trigger of a connector, as far as they are there.
func Leftovers(ctx context.Context, cfg Config, others Others) ([]Leftover, error) {
	conn, err := cfg.connectSQL(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var all []Leftover
	s, err := readSlot(ctx, conn, cfg.SlotName)
	if err != nil {
		return nil, err
	}
	if s != nil {
		all = append(all, cfg.slotLeftover(s))
	}
	p, found, err := cfg.publicationLeftover(ctx, conn, others)
	if err != nil {
		return nil, err
	}
	if found {
		all = append(all, p)
	}
	t, err := readDDLTrigger(ctx, conn)
	if err != nil {
		return nil, err
	}
	if t.exists() {
		l := Leftover{Object: ddlObject, SQL: ddlRemoval}
		switch {
		case !cfg.Events.DDL:
			l.Keep = "this connector does not have ddl.capture"
		case others.DDL:
			l.Keep = "another connector of the configuration has ddl.capture on this database"
		}
		all = append(all, l)
	}
	return all, nil
}

func (c *Config) slotLeftover(s *slot) Leftover {
	l := Leftover{Object: slotObject(s.Name), SQL: dropSQL(s.Name), Keep: s.foreign(c.Database)}
	if s.ActivePID != 0 {
		l.Busy = fmt.Sprintf("PID %d reads it (%s)", s.ActivePID, s.ActiveBy)
	}
	return l
}

const signedSQL = `SELECT coalesce(obj_description(p.oid, 'pg_publication'), ''), pg_has_role(p.pubowner, 'USAGE') FROM pg_publication p WHERE p.pubname = $1::text`

// publicationLeftover is the publication: ours where its comment says so. PostgreSQL does not keep who reads a
// publication, so that one we did not make is nobody's to remove but its maker's.
func (c *Config) publicationLeftover(ctx context.Context, q querier, others Others) (Leftover, bool, error) {
	var comment string
	var owned bool
	err := q.QueryRow(ctx, signedSQL, c.PublicationName).Scan(&comment, &owned)
	if errors.Is(err, pgx.ErrNoRows) {
		return Leftover{}, false, nil
	}
	if err != nil {
		return Leftover{}, false, serverFault("read", publicationObject(c.PublicationName), err)
	}
	l := Leftover{Object: publicationObject(c.PublicationName), SQL: "DROP PUBLICATION " + quoteIdentifier(c.PublicationName)}
	switch {
	case others.Publication:
		l.Keep = "another connector of the configuration reads it"
	case comment != signature+c.SlotName:
		l.Keep = "it does not say that rdip made it for this slot; if nobody else reads it: " + l.SQL
	case !owned:
		l.Keep = "the role does not own it; as its owner: " + l.SQL
	}
	return l, true, nil
}

// Remove takes the leftovers away, but those that are kept. One that is gone already is no error, so that
// what was cut off can be done again.
func Remove(ctx context.Context, cfg Config, all []Leftover) error {
	conn, err := cfg.connectSQL(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, l := range all {
		if l.Keep != "" {
			continue
		}
		_, err := conn.Exec(ctx, l.SQL, pgx.QueryExecModeSimpleProtocol)
		var server *pgconn.PgError
		if errors.As(err, &server) && server.Code == stateUndefinedObject {
			continue
		}
		if err != nil {
			f := &fault.Error{Op: "remove", Object: l.Object, Cause: err, Permanent: true, Hint: "as a role that may, in database " + quoteIdentifier(cfg.Database) + ": " + l.SQL}
			if errors.As(err, &server) {
				f.Kind, f.Cause = fault.Preflight, said(server)
			}
			if server != nil && server.Code == stateObjectInUse {
				f.Hint = "stop what reads it (rdip stop, or the process that pg_replication_slots names), and do this again"
			}
			return f
		}
	}
	return nil
}

// DropSlot drops the connector's slot; one that is not there is no error.
func DropSlot(ctx context.Context, cfg Config) error {
	conn, err := cfg.connectSQL(ctx)
	if err != nil {
		return err
	}
	s, err := readSlot(ctx, conn, cfg.SlotName)
	_ = conn.Close(context.WithoutCancel(ctx))
	if err != nil || s == nil {
		return err
	}
	l := cfg.slotLeftover(s)
	if why := l.Keep + l.Busy; why != "" {
		return &fault.Error{Kind: fault.Preflight, Op: "drop", Object: l.Object, Cause: errors.New(why), Permanent: true, Hint: "it was left as it is"}
	}
	return Remove(ctx, cfg, []Leftover{l})
}
