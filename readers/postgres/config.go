package postgres

import (
	"errors"
	"regexp"
	"time"

	"rdip/configs"
	"rdip/readers/postgres/types"
)

// Config is everything that a PostgreSQL connector can be told. Its keys are defined by Definition, except
// for the first group, which every connector has and whoever wires this one fills in.
type Config struct {
	// Prefix is topic.prefix: the logical name of the server, source.name of every event.
	Prefix string
	// Version is source.version of every event.
	Version string
	// Debezium asks for Debezium's way where rdip differs on purpose (compatibility: debezium).
	Debezium bool
	// SignalTable is captured whatever the lists say, as schema.table; "" for none. Where they do not choose it, its
	// rows are not in snapshots.
	SignalTable string

	Hostname        string // a host, an address, or the folder of a Unix socket
	Port            int
	Database        string
	User            string
	Password        configs.Secret
	SSLMode         SSLMode
	SSLRootCert     string // file of PEM certificates; empty: the system's
	SSLCert         string // file of the client's PEM certificate
	SSLKey          string // file of its PEM key
	SSLPassword     configs.Secret
	ApplicationName string
	ConnectTimeout  time.Duration
	TCPKeepAlive    bool

	SlotName       string
	SlotMaxRetries int
	SlotRetryDelay time.Duration
	StatusInterval time.Duration

	PublicationName    string
	PublicationMode    PublicationMode
	PublicationViaRoot bool
	// PublishWithoutIdentity: tables without a key or FULL identity may be published, though UPDATEs and
	// DELETEs of them then fail (P6).
	PublishWithoutIdentity bool

	SchemaInclude configs.Patterns
	SchemaExclude configs.Patterns
	TableInclude  configs.Patterns
	TableExclude  configs.Patterns
	// RowFilters are predicates by schema.table: only rows that satisfy them are captured.
	RowFilters map[string]string

	Types  types.Config
	Events Events

	SnapshotMode            SnapshotMode
	SnapshotThreads         int
	SnapshotThreadsPerTable int // 0: no bound but SnapshotThreads
	SnapshotChunkBytes      int64
	WindowChunkBytes        int64 // of a part that is read while the log is streamed
	WindowBytes             int64 // of rows that are held meanwhile; 0: for the one who holds them to choose
	SnapshotLockTimeout     time.Duration
	SnapshotDelay           time.Duration // before a first snapshot is taken
	StreamingDelay          time.Duration // after it
	SnapshotInclude         configs.Patterns
	SnapshotOrder           SnapshotOrder
	SnapshotPriority        map[string]string // a number by the expression that matches schema.table
	SnapshotOverrides       []string          // tables, as schema.table, that have a statement
	SnapshotStatements      map[string]string // the statements by schema.table

	HeartbeatInterval    time.Duration // 0: none
	HeartbeatActionQuery string
	MaxRowBytes          int64 // of one message of the log or one row of COPY

	Replication
}

// SSLMode is how the server is verified, in libpq's words.
type SSLMode string

// The modes that rdip has. libpq's allow and prefer fall back to plaintext when an attacker asks for it, so
// they are refused.
const (
	SSLDisable    SSLMode = "disable"
	SSLRequire    SSLMode = "require"
	SSLVerifyCA   SSLMode = "verify-ca"
	SSLVerifyFull SSLMode = "verify-full"
)

// PublicationMode is what becomes of the publication when it is missing or does not fit.
type PublicationMode string

// The modes of publication.autocreate.mode.
const (
	PublicationFiltered  PublicationMode = "filtered"
	PublicationAllTables PublicationMode = "all_tables"
	PublicationDisabled  PublicationMode = "disabled"
)

// Definition binds the connector's keys to c and fills in the defaults. Names and meanings are Debezium's
// where it has them.
func (c *Config) Definition() *configs.Definition {
	d := configs.NewDefinition("PostgreSQL connector")
	c.defineConnection(d)
	c.defineTables(d)
	c.defineRowFilters(d)
	c.defineSlot(d)
	c.defineReplication(d)
	c.defineSnapshot(d)
	c.Types.Define(d)
	c.Events.define(d)
	return d
}

func (c *Config) defineConnection(d *configs.Definition) {
	d.Group("Connection")
	d.String(&c.Hostname, "database.hostname", "Host name or address of the server, or the folder of its Unix socket (`/var/run/postgresql`).",
		configs.Required(), configs.Rank(configs.High))
	d.Int(&c.Port, "database.port", "Port of the server; it also names a Unix socket.", configs.Default("5432"), configs.Between("1", "65535"), configs.Rank(configs.High))
	d.String(&c.Database, "database.dbname", "Database to capture.", configs.Required(), configs.Rank(configs.High))
	d.String(&c.User, "database.user", "Role to log in as. It needs REPLICATION, and SELECT on the captured tables.", configs.Required(), configs.Rank(configs.High))
	d.Secret(&c.Password, "database.password", "Password of `database.user`. SCRAM-SHA-256 and MD5 are spoken; a password is never sent in clear text over a connection without TLS.")
	configs.Enum(d, &c.SSLMode, "database.sslmode", "How the connection is encrypted and the server verified. Without it: `verify-full`, and `disable` where the server is on this machine (a loopback address or a Unix socket).", sslModes())
	d.String(&c.SSLRootCert, "database.sslrootcert", "File of PEM certificates that may sign the server's. Without it, the system's are trusted.")
	d.String(&c.SSLCert, "database.sslcert", "File of the client's PEM certificate.")
	d.String(&c.SSLKey, "database.sslkey", "File of the client certificate's PEM key.")
	d.Secret(&c.SSLPassword, "database.sslpassword", "Password of the key in `database.sslkey`.")
	d.String(&c.ApplicationName, "database.application.name", "Shown in pg_stat_activity and pg_stat_replication. Without it: `rdip` and the connector's topic prefix.")
	d.Duration(&c.ConnectTimeout, "database.connect.timeout.ms", "How long connecting and logging in may take.", configs.Default("10s"), configs.Between("100ms", ""))
	d.Bool(&c.TCPKeepAlive, "database.tcpKeepAlive", "Whether the operating system probes idle connections.", configs.Default("true"), configs.Rank(configs.Low))
}

func (c *Config) defineTables(d *configs.Definition) {
	d.Group("Tables")
	d.Patterns(&c.SchemaInclude, "schema.include.list", "Schemas to capture: expressions that must match the whole name. Not together with `schema.exclude.list`.")
	d.Patterns(&c.SchemaExclude, "schema.exclude.list", "Schemas to leave out. Not together with `schema.include.list`.")
	d.Patterns(&c.TableInclude, "table.include.list", "Tables to capture: expressions that must match the whole of `schema.table`. Not together with `table.exclude.list`. A snapshot copies them in this order, unless `snapshot.priority`, `snapshot.tables.order.by.row.count` or `snapshot.include.collection.list` say another.", configs.Rank(configs.High))
	d.Patterns(&c.TableExclude, "table.exclude.list", "Tables to leave out: expressions that must match the whole of `schema.table`. Not together with `table.include.list`.")
}

func (c *Config) defineSlot(d *configs.Definition) {
	d.Group("Slot and publication")
	d.String(&c.SlotName, "slot.name", "Logical replication slot; made on the first start, never recreated silently.", configs.Default("rdip"), configs.Check(checkSlotName), configs.Rank(configs.High))
	d.Int(&c.SlotMaxRetries, "slot.max.retries", "How often a slot that another process holds is tried again.", configs.Default("6"), configs.Between("0", "1000"), configs.Rank(configs.Low))
	d.Duration(&c.SlotRetryDelay, "slot.retry.delay.ms", "Time between those tries.", configs.Default("10s"), configs.Between("10ms", ""), configs.Rank(configs.Low))
	d.Duration(&c.StatusInterval, "status.update.interval.ms", "How often the server is told what is durable, at the latest.", configs.Default("10s"), configs.Between("100ms", ""), configs.Rank(configs.Low))
	d.String(&c.PublicationName, "publication.name", "Publication to read; made on the first start unless `publication.autocreate.mode` is `disabled`.", configs.Default("rdip"), configs.Check(checkIdentifier), configs.Rank(configs.High))
	configs.Enum(d, &c.PublicationMode, "publication.autocreate.mode", "What is done about a publication that is missing.", publicationModes(), configs.Default(string(PublicationFiltered)))
	d.Bool(&c.PublicationViaRoot, "publish.via.partition.root", "Whether rows of partitions are captured as rows of the partitioned table.", configs.Default("false"))
	d.Bool(&c.PublishWithoutIdentity, "publish.without.identity", "Whether a table without a primary key or another replica identity may be published. PostgreSQL then refuses every UPDATE and DELETE of it, the application's own too.", configs.Default("false"))
	d.Duration(&c.HeartbeatInterval, "heartbeat.interval.ms", "How often a logical message is written, so that the slot advances while captured tables are idle; 0 for never.", configs.Default("10s"), configs.Between("0ms", ""))
	d.String(&c.HeartbeatActionQuery, "heartbeat.action.query", "A statement to run with each heartbeat, with the `search_path` of the role. That it fails is said in the status, and ends nothing.", configs.Rank(configs.Low))
	d.Bytes(&c.MaxRowBytes, "max.row.bytes", "A message of the log or a row of the snapshot that is larger stops its table, named with its size, or becomes a dead letter (`errors.tolerance`). Without it: half of `memory.budget`.", configs.Default("16MiB"), configs.Between("1MiB", "2GiB"), configs.Rank(configs.Low))
}

func sslModes() []configs.Choice {
	falls := "it falls back to plaintext without a word when the server, or somebody in between, says so"
	return []configs.Choice{
		{Value: string(SSLVerifyFull), Doc: "encrypted; the certificate must be trusted and name the host", Aliases: []string{"verify_full"}},
		{Value: string(SSLVerifyCA), Doc: "encrypted; the certificate must be trusted", Aliases: []string{"verify_ca"}},
		{Value: string(SSLRequire), Doc: "encrypted; whoever answers is believed to be the server", Aliases: []string{"required"}},
		{Value: string(SSLDisable), Doc: "plaintext"},
		{Value: "prefer", Refused: falls, Instead: "database.sslmode: verify-full, or require"},
		{Value: "allow", Refused: falls, Instead: "database.sslmode: verify-full, or require"},
	}
}

func publicationModes() []configs.Choice {
	return []configs.Choice{
		{Value: string(PublicationFiltered), Doc: "it is made for the captured tables"},
		{Value: string(PublicationAllTables), Doc: "it is made FOR ALL TABLES, which needs a superuser"},
		{Value: string(PublicationDisabled), Doc: "it must be there, and is only checked"},
		{Value: "no_tables", Refused: "it makes a publication without tables", Instead: "publication.autocreate.mode: disabled, and make the publication by hand"},
	}
}

var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// checkSlotName follows ReplicationSlotValidateName in PostgreSQL's slot.c.
func checkSlotName(name string) error {
	if !slotName.MatchString(name) {
		return errors.New("lower-case letters, digits and underscores, 1 to 63 of them")
	}
	return nil
}

// checkIdentifier bounds a name by NAMEDATALEN - 1, beyond which the server would cut it without an error.
func checkIdentifier(name string) error {
	if name == "" || len(name) > 63 {
		return errors.New("a name of 1 to 63 bytes")
	}
	return nil
}
