package postgres

import (
	"context"
	"fmt"

	"rdip/internal/fault"
	"rdip/schema"
)

// Inspection is what a look at a database found, for writing a configuration. Nothing was changed.
type Inspection struct {
	Version  string // of the server
	Database string
	Role     string // that looked
	Super    bool   // the role is a superuser
	Tables   []InspectedTable
	Findings []fault.Finding // what stands in the way of the configuration that was given
	settings []Step
	publish  string
	schemas  []string
}

// InspectedTable is one table that the filters choose, as events will name it.
type InspectedTable struct {
	Schema     string
	Name       string
	Rows       int64 // the planner's estimate, -1 where unknown
	Bytes      int64 // on disk, without indexes
	Columns    int
	Key        []string // of the Kafka records; empty: they have none
	Partitions int      // tables that hold its rows, where it is partitioned
	// Identity is the statements that give it, or its partitions, the replica identity that they lack (P6).
	Identity []string
	leaves   []*table
}

// ID is schema.table.
func (t *InspectedTable) ID() string { return schema.TableID(t.Schema, t.Name) }

// Step is something to do on the server before the first start.
type Step struct {
	SQL     string // as typed, without a semicolon
	Why     string
	Restart bool // it counts only after the server was started again
}

// Inspect looks at the database that cfg names, as its role sees it.
func Inspect(ctx context.Context, cfg Config) (Inspection, error) {
	c := &cfg
	conn, err := c.connectSQL(ctx)
	if err != nil {
		return Inspection{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	s, err := readServer(ctx, conn)
	if err != nil {
		return Inspection{}, err
	}
	if err := fault.Findings(s.served()).Err(); err != nil {
		return Inspection{}, err
	}
	found := Inspection{Version: s.Version, Database: c.Database, Role: s.Role, Super: s.Superuser, settings: s.settingSteps()}
	want, err := newCatalog(c, conn).capture(ctx, c.PublicationViaRoot)
	if err != nil {
		return Inspection{}, err
	}
	sizes, err := tableSizes(ctx, conn, want.leaves())
	if err != nil {
		return Inspection{}, err
	}
	for _, u := range want.units {
		found.add(u, sizes)
	}
	if len(want.units) > 0 {
		found.publish = c.createPublicationSQL(want)
	}
	found.Findings, err = c.check(ctx, conn)
	return found, err
}

func (i *Inspection) add(u *unit, sizes map[uint32]tableSize) {
	t := InspectedTable{Schema: u.Schema, Name: u.Name, Columns: len(u.Columns), Key: u.Key(), leaves: u.leaves}
	if u.Kind == 'p' {
		t.Partitions = len(u.leaves)
	}
	for _, leaf := range u.leaves {
		t.Rows = addEstimate(t.Rows, leaf.Tuples)
		t.Bytes += sizes[leaf.OID].Bytes
		if leaf.OldRow() == schema.BeforeNothing {
			t.Identity = append(t.Identity, "ALTER TABLE "+quoteTable(leaf.Schema, leaf.Name)+" REPLICA IDENTITY FULL")
		}
		i.addSchema(leaf.Schema)
	}
	i.Tables = append(i.Tables, t)
}

func (i *Inspection) addSchema(name string) {
	for _, s := range i.schemas {
		if s == name {
			return
		}
	}
	i.schemas = append(i.schemas, name)
}

// settingSteps are the settings that a server lacks for logical decoding.
func (s *server) settingSteps() []Step {
	var steps []Step
	if s.WALLevel != "logical" {
		steps = append(steps, Step{SQL: "ALTER SYSTEM SET wal_level = 'logical'", Why: "wal_level is " + s.WALLevel, Restart: true})
	}
	if s.Slots >= s.MaxSlots {
		steps = append(steps, Step{SQL: fmt.Sprintf("ALTER SYSTEM SET max_replication_slots = %d", s.MaxSlots+4), Why: "every replication slot is in use", Restart: true})
	}
	if s.Senders >= s.MaxSenders {
		steps = append(steps, Step{SQL: fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d", s.MaxSenders+4), Why: "every walsender is in use", Restart: true})
	}
	return steps
}

// Setup is everything that an administrator has to run, in order, so that a role of that name, which need
// not exist, can capture the tables with the least privileges: the settings, the role, what it may read, and
// the publication, which then is the administrator's and needs publication.autocreate.mode: disabled.
func (i *Inspection) Setup(role string) []Step {
	steps := append([]Step(nil), i.settings...)
	name := quoteIdentifier(role)
	steps = append(steps,
		Step{SQL: "CREATE ROLE " + name + " LOGIN REPLICATION", Why: "a role of rdip's own; give it a password with \\password " + name},
		Step{SQL: "GRANT CONNECT ON DATABASE " + quoteIdentifier(i.Database) + " TO " + name, Why: "where CONNECT was revoked from PUBLIC"})
	for _, s := range i.schemas {
		steps = append(steps, Step{SQL: "GRANT USAGE ON SCHEMA " + quoteIdentifier(s) + " TO " + name, Why: "for the snapshot"})
	}
	for _, t := range i.Tables {
		for _, leaf := range t.leaves {
			steps = append(steps, Step{SQL: "GRANT SELECT ON " + quoteTable(leaf.Schema, leaf.Name) + " TO " + name, Why: "for the snapshot"})
		}
	}
	for _, t := range i.Tables {
		for _, sql := range t.Identity {
			steps = append(steps, Step{SQL: sql, Why: "without a key PostgreSQL refuses every UPDATE and DELETE of a published table"})
		}
	}
	if i.publish != "" {
		steps = append(steps, Step{SQL: i.publish, Why: "what the log is read through; only the tables' owner can make it"})
	}
	return steps
}
