package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
	"rdip/schema"
)

// Check looks at everything that a start needs and changes nothing.
func (r *Reader) Check(ctx context.Context) []fault.Finding {
	conn, err := r.cfg.connectSQL(ctx)
	if err != nil {
		return []fault.Finding{asFinding(err)}
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	fs, err := r.cfg.check(ctx, conn)
	if err != nil {
		fs = append(fs, asFinding(err))
	}
	return fs
}

// check is every finding; an error is a question that could not be asked.
func (c *Config) check(ctx context.Context, q *pgx.Conn) ([]fault.Finding, error) {
	s, err := readServer(ctx, q)
	if err != nil {
		return nil, err
	}
	fs := s.served()
	if s.major() < oldestVersion {
		return fs, nil // the rest asks for what it does not have
	}
	slot, err := readSlot(ctx, q, c.SlotName)
	if err != nil {
		return fs, err
	}
	fs = append(fs, c.serverFindings(s, slot)...)
	fs = append(fs, c.replicationFindings(s)...)
	standby, err := c.standbyFindings(ctx, q, s)
	if err != nil {
		return fs, err
	}
	fs = append(fs, standby...)
	fs = append(fs, c.slotFindings(s, slot)...)
	idle, err := idleSlotTimeout(ctx, q)
	if err != nil {
		return fs, err
	}
	fs = append(fs, s.settingFindings(slot, idle)...)
	want, err := newCatalog(c, q).capture(ctx, c.PublicationViaRoot)
	if err != nil {
		return fs, err
	}
	pub, err := readPublication(ctx, q, c.PublicationName)
	if err != nil {
		return fs, err
	}
	unmatched, err := c.unmatchedFindings(ctx, q, want)
	if err != nil {
		return fs, err
	}
	fs = append(fs, unmatched...)
	fs = append(fs, c.tableFindings(want, pub)...)
	if len(want.units) > 0 {
		fs = append(fs, c.publicationFindings(pub, want)...)
	}
	more, err := c.rowFilterFindings(ctx, q, s, want, pub)
	if err != nil {
		return fs, err
	}
	fs = append(fs, more...)
	more, err = c.ddlFindings(ctx, q, s.Standby)
	if err != nil {
		return fs, err
	}
	fs = append(fs, more...)
	more, err = c.heartbeatFindings(ctx, s.Standby)
	if err != nil {
		return fs, err
	}
	fs = append(fs, more...)
	more, err = c.privilegeFindings(ctx, q, s, want, pub)
	return append(fs, more...), err
}

// asFinding is an error that kept a check from going on.
func asFinding(err error) fault.Finding {
	var f *fault.Error
	if !errors.As(err, &f) {
		return fault.Finding{Kind: fault.Preflight, Where: "PostgreSQL", Seen: err.Error()}
	}
	seen := f.Op
	if f.Cause != nil {
		seen = fmt.Sprintf("%s: %s", f.Op, f.Cause)
	}
	return fault.Finding{Kind: f.Kind, Where: f.Object, Seen: seen, Fix: f.Hint}
}

// serverFindings are the server's settings and the role's attributes.
func (c *Config) serverFindings(s *server, slot *slot) []fault.Finding {
	var fs []fault.Finding
	add := func(severity fault.Severity, where, seen, need, fix, id string) {
		fs = append(fs, fault.Finding{Severity: severity, Kind: fault.Preflight, Where: where, Seen: seen, Need: need, Fix: fix, Case: id})
	}
	if s.WALLevel != "logical" {
		add(fault.Fatal, "wal_level", s.WALLevel, "logical", "set wal_level=logical in postgresql.conf and restart (ALTER SYSTEM SET wal_level = logical)", "")
	}
	if slot == nil && s.Slots >= s.MaxSlots {
		add(fault.Fatal, "max_replication_slots", fmt.Sprintf("all %d are in use", s.MaxSlots), "a free one",
			fmt.Sprintf("drop one that nobody uses, or ALTER SYSTEM SET max_replication_slots = %d and restart", s.MaxSlots+4), "")
	}
	if s.Senders >= s.MaxSenders {
		add(fault.Fatal, "max_wal_senders", fmt.Sprintf("all %d are in use", s.MaxSenders), "a free one",
			fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d and restart", s.MaxSenders+4), "")
	}
	if !s.Replication {
		add(fault.Fatal, "role "+quoteIdentifier(s.Role), "it lacks REPLICATION", "REPLICATION", "ALTER ROLE "+quoteIdentifier(s.Role)+" REPLICATION", "")
	}
	if s.Encoding == "SQL_ASCII" {
		add(fault.Fatal, "database "+quoteIdentifier(c.Database), "its encoding is SQL_ASCII, which is none: the server cannot turn its bytes into UTF-8", "a database with an encoding",
			"dump it and restore it into a database made with ENCODING 'UTF8'", "P65")
	}
	if s.SenderExpiry > 0 && s.SenderExpiry < leastSilence {
		add(fault.Warning, "wal_sender_timeout", s.SenderExpiry.String(), "some seconds, or a short stall ends the connection", "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf()", "P45")
	}
	if s.KeepBytes < 0 {
		add(fault.Notice, "max_slot_wal_keep_size", "no limit: while rdip is away the slot keeps log until the disk is full", "nothing, where the disk is watched",
			"ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf() (beyond it the slot is lost)", "P68")
	} else {
		add(fault.Notice, "max_slot_wal_keep_size", fmt.Sprintf("%d bytes: a snapshot or an absence that takes longer than as much log is written loses the slot", s.KeepBytes), "room enough", "", "P68")
	}
	return fs
}

// slotFindings are what can be told of the slot without knowing what is stored.
func (c *Config) slotFindings(s *server, slot *slot) []fault.Finding {
	if slot == nil {
		return nil
	}
	find := func(severity fault.Severity, seen, need, fix, id string) []fault.Finding {
		return []fault.Finding{{Severity: severity, Kind: fault.Preflight, Where: slotObject(slot.Name), Seen: seen, Need: need, Fix: fix, Case: id}}
	}
	switch why := slot.foreign(c.Database); {
	case why != "":
		return find(fault.Fatal, why, "a slot of this connector's own", "set slot.name to another name", "")
	case slot.invalid() != "":
		return find(fault.Fatal, slot.invalid(), "a slot with all its log", "rdip offsets reset CONNECTOR --config FILE, and "+dropSQL(slot.Name), "P50")
	case slot.ActivePID != 0:
		return find(fault.Warning, fmt.Sprintf("PID %d reads it (%s)", slot.ActivePID, slot.ActiveBy), "nobody else", fmt.Sprintf("stop that process, or SELECT pg_terminate_backend(%d)", slot.ActivePID), "P51")
	case s.KeepBytes >= 0 && slot.Retained > s.KeepBytes/2:
		return find(fault.Warning, fmt.Sprintf("it keeps %d bytes of log, of %d allowed", slot.Retained, s.KeepBytes), "less than half", "start the connector, or raise max_slot_wal_keep_size", "P68")
	default:
		return nil
	}
}

// tableFindings are what the captured tables themselves lack.
func (c *Config) tableFindings(want *captured, pub *publication) []fault.Finding {
	var fs []fault.Finding
	if len(want.units) == 0 {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "table.include.list", Seen: fmt.Sprintf("no table of database %q matches", c.Database),
			Need: "at least one", Fix: `expressions that match all of schema.table, such as table.include.list: public\.orders`})
	}
	fs = append(fs, c.signalFindings(want)...)
	for _, u := range want.units {
		for _, leaf := range u.leaves {
			if f, ok := c.identityFinding(u, leaf, pub); ok && !c.givesIdentity(leaf) {
				fs = append(fs, f)
			}
			if f, ok := c.generatedFinding(u, leaf, pub); ok {
				fs = append(fs, f)
			}
		}
		for _, line := range u.LeftOut {
			fs = append(fs, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: "table " + u.ID(), Seen: line})
		}
		for _, loss := range u.Losses {
			fs = append(fs, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "table " + u.ID(), Seen: loss.Seen,
				Need: "all of each value", Fix: loss.Fix, Case: "P28"})
		}
	}
	for _, t := range want.unlogged {
		fs = append(fs, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "table " + t.ID(), Seen: "it is unlogged, so it is in no log and not captured",
			Need: "a logged table, or another filter", Fix: "ALTER TABLE " + quoteTable(t.Schema, t.Name) + " SET LOGGED"})
	}
	for _, t := range want.bare {
		fs = append(fs, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: "table " + t.ID(), Seen: "it has no partitions, and rows are captured as those of the partitions",
			Need: "nothing: a partition that is made later and matches the filters is a table that came later", Case: "P12"})
	}
	for _, t := range want.hidden {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "table " + t.ID(), Seen: "it matches the filters, but none of its partitions does, and rows are captured as those of the partitions",
			Need: "its partitions in the filters, or rows as those of the partitioned table", Fix: "publish.via.partition.root: true", Case: "P12"})
	}
	return fs
}

// identityFinding: a table of which the log would not carry the old row. PostgreSQL refuses every UPDATE and
// DELETE of such a table once it is published (CheckCmdReplicaIdentity), so publishing it breaks the
// application (P6).
func (c *Config) identityFinding(u *unit, leaf *table, pub *publication) (fault.Finding, bool) {
	if leaf.OldRow() != schema.BeforeNothing {
		return fault.Finding{}, false
	}
	f := fault.Finding{Kind: fault.Preflight, Where: "table " + leaf.ID(), Case: "P6",
		Seen: "it has no primary key and no other replica identity: once it is published, PostgreSQL refuses every UPDATE and DELETE of it, the application's own too",
		Need: c.identityNeeded("a replica identity"),
		Fix:  c.fullIdentitySQL(leaf), Severity: c.identitySeverity(u, pub)}
	return f, true
}

// identityNeeded is what a table needs whose rows the log cannot name, unless that was accepted already.
func (c *Config) identityNeeded(what string) string {
	if c.PublishWithoutIdentity {
		return what + ", as soon as a row of it is updated or deleted"
	}
	return what + ", or publish.without.identity: true where rows are only inserted"
}
