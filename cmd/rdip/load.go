package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/connect/source"
	"rdip/connect/source/records"
	"rdip/internal/fault"
	"rdip/readers/postgres"
	"rdip/schema/client"
	"rdip/sinks/kafka"
)

// settings is a configuration file, decoded.
type settings struct {
	path       string
	worker     configs.Worker
	kafka      kafka.Config
	registry   configs.Registry
	converters records.Converters
	connectors []connectorSettings
	notices    fault.Findings
	file       *configs.File
	effective  map[string]string // the worker's own keys, secrets redacted
	exact      map[string]string // the same, with digests in place of what is redacted
}

// connectorSettings is one connector of it.
type connectorSettings struct {
	name      string
	source    source.Config
	postgres  postgres.Config
	topics    kafka.Creation
	effective map[string]string
	exact     map[string]string
	once      bool   // delivery is exactly once,
	positions string // with the positions in this topic
}

// load reads and decodes a file. Its error holds every fatal finding; what is only worth knowing is in
// settings.notices.
func load(path string) (*settings, error) {
	file, findings := configs.Load(path)
	if file == nil {
		return nil, findings.Err()
	}
	s := &settings{path: path, file: file}
	findings = append(findings, s.decode()...)
	for _, f := range findings {
		if f.Severity != fault.Fatal {
			s.notices = append(s.notices, f)
		}
	}
	return s, findings.Err()
}

// named is the connector of that name.
func (s *settings) named(name string) (*connectorSettings, error) {
	have := make([]string, len(s.connectors))
	for i := range s.connectors {
		if s.connectors[i].name == name {
			return &s.connectors[i], nil
		}
		have[i] = s.connectors[i].name
	}
	return nil, &fault.Error{Kind: fault.Configuration, Op: "find connector", Object: name, Permanent: true,
		Cause: fmt.Errorf("%s has only: %s", s.path, strings.Join(have, ", ")),
		Hint:  "give one of these names; a connector that was taken out of the file is named by an earlier one, with --config"}
}

// decode fills in the settings from their file, and says what is wrong with it.
func (s *settings) decode() fault.Findings {
	file, defs := s.file, s.workerDefinitions()
	findings := configs.Decode(file.Worker, defs...)
	s.kafka.Brokers = s.worker.Bootstrap
	findings = append(findings, s.worker.Check(file)...)
	findings = append(findings, s.kafka.Check(file.Worker.Where)...)
	s.converters.Given(file.Worker)
	s.effective, s.exact = configs.Effective(file.Worker, defs...), configs.Digests(file.Worker, defs...)
	for _, section := range file.Connectors {
		findings = append(findings, s.connector(section)...)
		findings = append(findings, s.spill(section, len(file.Connectors))...)
	}
	if !s.worker.Embedded && s.registry.URLs == "" && s.needsRegistry() {
		findings = append(findings, file.Worker.Finding("schema.registry.url", "the key is missing", "a schema registry, or the embedded one",
			`add a line "schema.registry.url: http://HOST:8081", or "embedded: true" to try rdip without Kafka, or key.converter: json and value.converter: json`))
	}
	return append(findings, s.shared()...)
}

func (s *settings) workerDefinitions() []*configs.Definition {
	return []*configs.Definition{s.worker.Definition(), s.kafka.Definition(), s.registry.Definition(), s.converters.Definition()}
}

func (c *connectorSettings) definitions() []*configs.Definition {
	return []*configs.Definition{c.source.Definition(), c.source.Converters.Overrides(), c.postgres.Definition(), c.topics.Definition()}
}

// needsRegistry says whether a connector writes Avro.
func (s *settings) needsRegistry() bool {
	for i := range s.connectors {
		if s.connectors[i].source.Converters.NeedsRegistry() {
			return true
		}
	}
	return len(s.connectors) == 0
}

// connector decodes one section.
func (s *settings) connector(section *configs.Section) fault.Findings {
	c := connectorSettings{name: section.Name}
	c.source.Converters = s.converters
	c.source.Converters.Given(section)
	defs := c.definitions()
	findings := configs.Decode(section, defs...)
	if class := c.source.Class; class != "" && !slices.Contains(postgresClasses, class) {
		findings = append(findings, section.Finding("connector.class", fmt.Sprintf("%q", class), "a connector that rdip has: postgres",
			"connector.class: postgres"))
	}
	findings = append(findings, c.postgres.Check(section.Where)...)
	if !section.Has("max.row.bytes") {
		c.postgres.MaxRowBytes = s.worker.MemoryBudget / 2
	}
	c.source.Compatible(section)
	findings = append(findings, c.checkOwn(section.Where)...)
	findings = append(findings, c.source.CheckSignals(section.Where, s.worker.Bootstrap)...)
	findings = append(findings, c.source.CheckRows(section.Where)...)
	findings = append(findings, c.source.CheckRecords(section)...)
	findings = append(findings, s.checkDelivery(&c, section)...)
	findings = append(findings, c.source.Errors.Check(section.Where)...)
	findings = append(findings, c.checkApart(section.Where)...)
	if topic := c.source.Errors.Topic; topic != "" {
		const replicas = "errors.deadletterqueue.topic.replication.factor"
		if s.worker.Embedded && !section.Has(replicas) {
			c.source.Errors.Replication = 1 // the embedded broker is one
		}
		c.topics.Apart = map[string]kafka.Creation{topic: {Partitions: 1, Replication: c.source.Errors.Replication, ReplicationKey: replicas}}
	}
	c.postgres.Prefix, c.postgres.Version = c.source.Prefix, version
	c.postgres.SignalTable = c.source.SignalTable()
	c.postgres.SpillDir = filepath.Join(spillFolder(s.worker.StateDir), c.name)
	c.postgres.Debezium = c.source.Compatibility == source.CompatibleDebezium
	c.effective, c.exact = configs.Effective(section, defs...), configs.Digests(section, defs...)
	s.connectors = append(s.connectors, c)
	return findings
}

// postgresClasses are the names of the PostgreSQL connector: ours, Debezium's, and those by which Connect knows
// Debezium's too (Plugins.connectorClass).
var postgresClasses = []string{"postgres", "postgresql", "io.debezium.connector.postgresql.PostgresConnector", "PostgresConnector", "Postgres"}

// shared finds what two connectors may not have in common (D7).
func (s *settings) shared() fault.Findings {
	findings := s.sharedName()
	prefixes, slots := map[string]string{}, map[string]string{}
	for _, c := range s.connectors {
		if other, ok := prefixes[c.source.Prefix]; ok && c.source.Prefix != "" {
			findings = append(findings, fault.Finding{Kind: fault.Configuration, Where: s.path + " connectors." + c.name + ".topic.prefix",
				Seen: fmt.Sprintf("%q, which connector %s has too", c.source.Prefix, other), Need: "a prefix of its own",
				Fix: fmt.Sprintf("topic.prefix: %s", c.name)})
		}
		prefixes[c.source.Prefix] = c.name
		slot := fmt.Sprintf("%s:%d %s", c.postgres.Hostname, c.postgres.Port, c.postgres.SlotName)
		if other, ok := slots[slot]; ok {
			findings = append(findings, fault.Finding{Kind: fault.Configuration, Where: s.path + " connectors." + c.name + ".slot.name",
				Seen: fmt.Sprintf("%q on the same server as connector %s has", c.postgres.SlotName, other), Need: "a slot of its own",
				Fix: fmt.Sprintf("slot.name: rdip_%s", c.name), Case: "D7"})
		}
		slots[slot] = c.name
	}
	return findings
}

// registryConfig is how the registry's client is to be set up.
func (s *settings) registryConfig() (client.Config, error) {
	c := client.Config{URLs: s.registry.URLs, UserInfo: s.registry.UserInfo, AllowPlaintext: s.registry.Plaintext}
	if s.registry.CAFile == "" && s.registry.CertFile == "" {
		return c, nil
	}
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.registry.CAFile != "" {
		pem, err := os.ReadFile(s.registry.CAFile)
		if err != nil {
			return c, &fault.Error{Kind: fault.Configuration, Op: "read", Object: "schema.registry.ssl.ca.location", Cause: err, Permanent: true}
		}
		c.TLS.RootCAs = x509.NewCertPool()
		if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return c, &fault.Error{Kind: fault.Configuration, Op: "read", Object: "schema.registry.ssl.ca.location " + s.registry.CAFile,
				Cause: fmt.Errorf("it holds no PEM certificate"), Permanent: true}
		}
	}
	if s.registry.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.registry.CertFile, s.registry.KeyFile)
		if err != nil {
			return c, &fault.Error{Kind: fault.Configuration, Op: "read", Object: "schema.registry.ssl.certificate.location", Cause: err, Permanent: true}
		}
		c.TLS.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
