// Package readertest is the conformance suite that every reader must pass: what readers.Reader,
// snapshot.Source and envelope.Handler promise, as scenarios against a real database. A database's test
// package fills in a Subject and calls Run:
//
//	func TestTheContractOfReadersHolds(t *testing.T) {
//		readertest.Run(t, readertest.Subject{Dialect: dialect, New: newDatabase, ...})
//	}
//
// The suite speaks to the database in SQL that all of them have; what differs is the Dialect, and what only
// an administrator can do is Database's.
package readertest

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"rdip/offsets"
	"rdip/readers"
)

// Subject is one version of one database product, with the reader made for it.
type Subject struct {
	Dialect Dialect
	// New makes a database of the test's own, and drops it with the test, with all that readers left in it.
	// Several tests call it at once.
	New func(t *testing.T) Database
	// OmitsUnchanged: the log leaves out a large value that an update did not change, unless the old row is
	// logged whole (PostgreSQL: unchanged TOAST). False where every logged row is whole.
	OmitsUnchanged bool
	// Values are of the database's own types, for the comparison of snapshot and stream.
	Values Values
	// Faults are ways in which a database can be unfit, each of which Check must find.
	Faults []Fault
	// Goroutines are those of the servers under test, which outlive it; nil for none.
	Goroutines func() []goleak.Option
}

// Database is one database of a running server, and one connector for it. Its methods may be called by
// several goroutines, but for Restart, which the suite calls while nothing else uses the server.
type Database interface {
	// Reader is a new Reader of the connector; all of them share its name, slot or server id, and the
	// identity that is stored. It captures every table whose name does not begin with HiddenPrefix, copies
	// them on a first start in the smallest chunks that it can be told, writes no heartbeats, tells the
	// source of progress within a second, and waits some seconds for another to let the source go. The suite
	// closes it.
	Reader() readers.Reader
	// Connect opens a session as an application would.
	Connect(t *testing.T) Conn
	// Footprint is what readers of the connector have made at the source and hold there.
	Footprint(t *testing.T) Footprint
	// Confirmed is up to where the source was told that everything is durable; false where it is never told.
	Confirmed(t *testing.T) (offsets.Position, bool)
	// DropConnections kills every connection of the connector's at the source.
	DropConnections(t *testing.T)
	// Restart stops the source in good order and starts it again at the same address.
	Restart(t *testing.T)
	// Foreign is what would be stored had it been the same database of another server.
	Foreign(stored readers.Stored) readers.Stored
	// Lose has the source give up log that the connector has not read. No Reader is open.
	Lose(t *testing.T)
}

// HiddenPrefix begins the names of the tables that a Database's Readers leave out.
const HiddenPrefix = "hidden"

// Conn is a session. One goroutine uses it.
type Conn interface {
	// Exec runs one statement.
	Exec(ctx context.Context, sql string) error
	Close(ctx context.Context) error
}

// Footprint lists objects at a source, each as a person would name it, in an order of its own.
type Footprint struct {
	Made []string // what stays when the connector stops: publications, slots with what they were told
	Held []string // what lasts as long as a connection: sessions, temporary slots
}

// Dialect is what differs between databases in the SQL that the suite writes.
type Dialect struct {
	Types                   map[Type]string // the database's name of each
	Quote                   func(name string) string
	Begin, Commit, Rollback string
	Savepoint, RollbackTo   func(name string) string
	// FullBefore has the log carry the whole old row of a table, whose name is quoted; nil where it does so
	// for every table.
	FullBefore func(table string) string
}

// Type is a column's type that every database has.
type Type uint8

// The neutral types.
const (
	Int       Type = iota // 32 bits
	Long                  // 64 bits
	Text                  // of any length
	Decimal               // 12 digits, 2 of them behind the point
	Double                // 64 bits
	Timestamp             // without a time zone, µs
)

// Values are columns for the comparison of a snapshot's rows with the stream's.
type Values struct {
	Setup []string // statements that make the types
	List  []Value
}

// Value is a column's type and a value, both as the database's own SQL.
type Value struct{ Type, Literal string }

// Fault is a way in which a database can be unfit to be captured.
type Fault struct {
	Name string
	SQL  []string // statements that make it so
	Case string   // the id that the Finding cites
}
