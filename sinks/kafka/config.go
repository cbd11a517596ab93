package kafka

import (
	"fmt"
	"net"
	"strings"
	"time"

	"rdip/configs"
	"rdip/internal/fault"
)

// Config is what a client of the cluster needs to know. Fill it through Definition; Brokers comes from the
// worker's bootstrap.servers.
type Config struct {
	Brokers  []string // host:port
	ClientID string

	Protocol   Protocol // empty: TLS, and plaintext where every broker is on loopback
	CAFile     string
	CertFile   string
	KeyFile    string
	KeyPass    configs.Secret
	EndpointID string
	Verify     bool // the broker's certificate

	Mechanism Mechanism
	User      string
	Password  configs.Secret
	JAAS      configs.Secret
	Cleartext bool // SASL PLAIN without TLS to another machine

	Acks        string
	Compression Compression
	Linger      time.Duration
	BatchBytes  int64
	MaxRequest  int64 // bytes; 0: the topic's max.message.bytes alone
	Buffer      int64 // bytes
	Timeout     time.Duration
	MetadataAge time.Duration

	Transactions Transactions
}

// Protocol is how a connection is protected, by Kafka's names.
type Protocol string

// Mechanism is how a client proves who it is, by Kafka's names.
type Mechanism string

// Compression is the codec of record batches, by Kafka's names.
type Compression string

// Kafka's names.
const (
	Plaintext     Protocol = "PLAINTEXT"
	SSL           Protocol = "SSL"
	SASLPlaintext Protocol = "SASL_PLAINTEXT"
	SASLSSL       Protocol = "SASL_SSL"

	Plain       Mechanism = "PLAIN"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"

	None   Compression = "none"
	Gzip   Compression = "gzip"
	Snappy Compression = "snappy"
	LZ4    Compression = "lz4"
	Zstd   Compression = "zstd"
)

// NewConfig is the defaults, for the brokers given.
func NewConfig(brokers ...string) Config {
	var c Config
	c.Definition()
	c.Brokers = brokers
	return c
}

// Definition is the keys of the Kafka client; bootstrap.servers is the worker's.
func (c *Config) Definition() *configs.Definition {
	d := configs.NewDefinition("Kafka client")
	c.connection(d)
	c.authentication(d)
	c.producer(d)
	c.transactions(d)
	return d
}

func (c *Config) connection(d *configs.Definition) {
	d.Group("Connection to Kafka")
	d.String(&c.ClientID, "client.id", "Name of this client in the brokers' logs and quotas.", configs.Default("rdip"))
	configs.Enum(d, &c.Protocol, "security.protocol", "How connections to Kafka are protected. Without it: TLS (`SSL`, or `SASL_SSL` where `sasl.mechanism` or `sasl.jaas.config` is given), and the same without TLS where every broker is on loopback. Plaintext to another machine has to be written.", []configs.Choice{
		{Value: "PLAINTEXT", Doc: "neither encrypted nor authenticated."},
		{Value: "SSL", Doc: "TLS, with a client certificate where one is given."},
		{Value: "SASL_PLAINTEXT", Doc: "SASL, not encrypted."},
		{Value: "SASL_SSL", Doc: "SASL over TLS."}}, configs.Rank(configs.High))
	d.String(&c.CAFile, "ssl.ca.location", "PEM file of the authorities that sign the brokers' certificates. Without it: the system's.")
	d.String(&c.CertFile, "ssl.certificate.location", "PEM file of this client's certificate, its chain behind it.")
	d.String(&c.KeyFile, "ssl.key.location", "PEM file of the certificate's key.")
	d.Secret(&c.KeyPass, "ssl.key.password", "Password of an encrypted key (PKCS #8, `ENCRYPTED PRIVATE KEY`).")
	d.String(&c.EndpointID, "ssl.endpoint.identification.algorithm", "`https` compares the broker's name with its certificate. `none` (Kafka's empty value) does not, and any certificate of the authority will do.",
		configs.Default("https"), configs.Check(endpointID))
	d.Bool(&c.Verify, "enable.ssl.certificate.verification", "`false` takes any certificate: the connection is encrypted to whoever answers. A warning says so at every start.",
		configs.Default("true"), configs.Rank(configs.Low))
	d.Duration(&c.Timeout, "request.timeout.ms", "How long a broker may take to answer; then the request is sent again on a new connection, its order kept. Nothing is given up for being slow: while brokers are away, reading waits.",
		configs.Default("30s"), configs.Between("1s", "10m"))
	d.Duration(&c.MetadataAge, "metadata.max.age.ms", "How often topics are looked at again, for partitions added and topics deleted or made anew meanwhile.",
		configs.Default("1m"), configs.Between("1s", "1h"), configs.Rank(configs.Low))
}

func endpointID(s string) error {
	if s == "" || strings.EqualFold(s, "https") || strings.EqualFold(s, "none") {
		return nil
	}
	return fmt.Errorf("https or none")
}

func (c *Config) authentication(d *configs.Definition) {
	d.Group("Authentication with Kafka")
	configs.Enum(d, &c.Mechanism, "sasl.mechanism", "How this client proves who it is.", []configs.Choice{
		{Value: "PLAIN", Doc: "user and password in the clear; refused without TLS, loopback aside, unless `sasl.plain.allow.cleartext` is true."},
		{Value: "SCRAM-SHA-256", Doc: "the password does not travel."},
		{Value: "SCRAM-SHA-512", Doc: "the password does not travel."},
		{Value: "GSSAPI", Refused: "Kerberos comes with a later version", Instead: "sasl.mechanism: SCRAM-SHA-512, or security.protocol: SSL with a client certificate"},
		{Value: "OAUTHBEARER", Refused: "it comes with a later version", Instead: "sasl.mechanism: SCRAM-SHA-512, or security.protocol: SSL with a client certificate"}}, configs.Rank(configs.High))
	d.String(&c.User, "sasl.username", "User of PLAIN and SCRAM.")
	d.Secret(&c.Password, "sasl.password", "Password of `sasl.username`.")
	d.Secret(&c.JAAS, "sasl.jaas.config", "The same in the Java client's form: `org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"p\";`, or PlainLoginModule. Instead of sasl.username and sasl.password.")
	d.Bool(&c.Cleartext, "sasl.plain.allow.cleartext", "Allows PLAIN without TLS to another machine: the password can be read on the way.", configs.Default("false"), configs.Rank(configs.Low))
}

func (c *Config) producer(d *configs.Definition) {
	d.Group("Producer")
	configs.Enum(d, &c.Acks, "acks", "Which replicas have a record before it counts.", []configs.Choice{
		{Value: "all", Doc: "all in-sync replicas.", Aliases: []string{"-1"}},
		{Value: "1", Refused: "a change of leader would lose what was reported as delivered", Instead: "acks: all"},
		{Value: "0", Refused: "nothing would say that a record arrived", Instead: "acks: all"}}, configs.Default("all"), configs.Rank(configs.Low))
	configs.Enum(d, &c.Compression, "compression.type", "Codec of record batches. The default is Kafka's own: on a fast network the codec's time is what limits. `lz4` makes topics of change events 2 to 4 times smaller for little time, `zstd` smaller still for more.", []configs.Choice{
		{Value: "none", Doc: "as they are."}, {Value: "gzip", Doc: "for old consumers."}, {Value: "snappy", Doc: "fast."},
		{Value: "lz4", Doc: "fast, and smaller than snappy."}, {Value: "zstd", Doc: "smallest."}}, configs.Default("none"))
	d.Duration(&c.Linger, "linger.ms", "How long a record may wait for company before it is sent. While a request is under way records gather in any case.",
		configs.Default("5ms"), configs.Between("0", "10s"))
	d.Bytes(&c.BatchBytes, "batch.size", "Bytes gathered for one broker that go out without waiting for linger.ms. A single partition's batch never exceeds what the topic takes.",
		configs.Default("512KiB"), configs.Between("1KiB", "64MiB"))
	d.Bytes(&c.MaxRequest, "max.request.size", "Largest record, before compression. Never more than what the topic takes (its max.message.bytes). 0: that, up to 95 MiB; above it the brokers' socket.request.max.bytes has to be raised too, since they cut the connection otherwise.",
		configs.Default("0"), configs.Between("0", "1GiB"))
	d.Bytes(&c.Buffer, "buffer.memory", "Bytes of records, with what is kept beside each, that are sent and not yet acknowledged; then the next batch waits. One batch always passes.",
		configs.Default("64MiB"), configs.Between("1MiB", "16GiB"))
}

// Check finds what no single key shows. Where names a key's place, such as Section.Where; it may be nil.
func (c *Config) Check(where func(key string) string) []fault.Finding {
	v := &validation{where: where}
	c.checkProtocol(v)
	c.checkTLS(v)
	c.checkSASL(v)
	return v.found
}

// validation gathers findings about keys.
type validation struct {
	where func(string) string
	found []fault.Finding
}

func (v *validation) add(severity fault.Severity, key, seen, need, fix string) {
	where := key
	if v.where != nil {
		where = v.where(key)
	}
	v.found = append(v.found, fault.Finding{Severity: severity, Kind: fault.Configuration, Where: where, Seen: seen, Need: need, Fix: fix})
}

// isLoopback says whether every broker to begin with is on this machine.
func (c *Config) isLoopback() bool {
	for _, b := range c.Brokers {
		host, _, err := net.SplitHostPort(b)
		if err != nil {
			return false
		}
		if ip := net.ParseIP(host); !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return len(c.Brokers) > 0
}
