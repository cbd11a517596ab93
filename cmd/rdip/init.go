package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/readers/postgres"
)

type initCommand struct {
	Database  string   `arg:"" placeholder:"postgres://USER@HOST:PORT/DB" help:"The database to capture, as a PostgreSQL URL. A password may be in it, or in PGPASSWORD or ~/.pgpass; it is not written down."`
	Tables    []string `help:"Tables to capture: regular expressions of schema.table. Default: all."`
	Name      string   `help:"Name of the connector and topic prefix. Default: the database's name."`
	Role      string   `default:"rdip" help:"The role that rdip is to use; the printed grants are for it."`
	Bootstrap string   `name:"bootstrap-servers" help:"Kafka's brokers (host:port), for the configuration."`
	Registry  string   `name:"schema-registry-url" help:"The schema registry's URL, for the configuration."`
	Embedded  bool     `help:"Use the embedded broker and registry: to try rdip, not durable."`
	StateDir  string   `default:"/var/lib/rdip" help:"Folder for positions, for the configuration."`
	Output    string   `short:"o" type:"path" help:"Write the configuration to this file instead of printing it. An existing file is not overwritten."`
}

// Run looks at the database, changes nothing, and prints a configuration for it.
func (c initCommand) Run(ctx context.Context) error {
	config, err := c.connection()
	if err != nil {
		return err
	}
	found, err := postgres.Inspect(ctx, config)
	if err != nil {
		return err
	}
	if len(found.Tables) == 0 {
		fmt.Fprintf(os.Stderr, "rdip: no table of database %q matches: the configuration captures nothing until table.include.list is mended\n", config.Database)
	}
	text := c.configuration(config, &found)
	if err := emit(c.Output, text); err != nil || c.Output == "" {
		return err
	}
	fmt.Printf("%s is written; next: rdip check %s\n", c.Output, c.Output)
	return nil
}

// connection is the reader's configuration for the URL.
func (c initCommand) connection() (postgres.Config, error) {
	var config postgres.Config
	config.Definition()
	if err := config.SetURL(c.Database); err != nil {
		return config, err
	}
	config.Prefix, config.Version = c.name(config.Database), version
	config.SlotName, config.PublicationName = slotName(config.Prefix), slotName(config.Prefix)
	if len(c.Tables) > 0 {
		var err error
		if config.TableInclude, err = configs.ParsePatterns(strings.Join(c.Tables, ",")); err != nil {
			return config, &fault.Error{Kind: fault.Configuration, Op: "read", Object: "--tables", Cause: err, Permanent: true}
		}
	}
	return config, nil
}

var notInName = regexp.MustCompile(`[^a-z0-9_]+`)

// slotName is a slot's name made of any: PostgreSQL allows lower-case letters, digits and underscores.
func slotName(name string) string {
	return "rdip_" + notInName.ReplaceAllString(strings.ToLower(name), "_")
}

func (c initCommand) name(database string) string {
	if c.Name != "" {
		return c.Name
	}
	return regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(database, "_")
}

// configuration is the file, with what was seen and what is to be done as comments.
func (c initCommand) configuration(config postgres.Config, found *postgres.Inspection) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# rdip: database %s on PostgreSQL %s, as %s saw it. Every key: docs/CONFIGURATION.md.\n", comment(config.Database), found.Version, comment(found.Role))
	fmt.Fprintf(&b, "# Check it, changing nothing: rdip check FILE. Run it: rdip run FILE.\n\n")
	c.setup(&b, found)
	c.worker(&b)
	c.connector(&b, config, found)
	return b.Bytes()
}

// setup lists what an administrator runs once.
func (c initCommand) setup(b *bytes.Buffer, found *postgres.Inspection) {
	fmt.Fprintf(b, "# What an administrator runs once in the database, as its owner or a superuser:\n#\n")
	restart := false
	for _, s := range found.Setup(c.Role) {
		fmt.Fprintf(b, "#   %s;  -- %s\n", comment(s.SQL), comment(s.Why))
		restart = restart || s.Restart
	}
	if restart {
		fmt.Fprintf(b, "#\n# and then restarts PostgreSQL, for the settings to count.\n")
	}
	b.WriteByte('\n')
}

func (c initCommand) worker(b *bytes.Buffer) {
	switch {
	case c.Embedded:
		fmt.Fprintf(b, "# A Kafka-protocol broker and a schema registry in the same process. NOT durable: to try rdip.\nembedded: true\n")
	default:
		fmt.Fprintf(b, "# Kafka and the schema registry; TLS is verified in full unless they are on this machine.\n")
		fmt.Fprintf(b, "bootstrap.servers: %s\nschema.registry.url: %s\n", quoted(cmp.Or(c.Bootstrap, "localhost:9092")), quoted(cmp.Or(c.Registry, "http://localhost:8081")))
	}
	fmt.Fprintf(b, "\n# Positions, kept across restarts. One process a folder.\nstate.dir: %s\n\n", quoted(c.StateDir))
}

func (c initCommand) connector(b *bytes.Buffer, config postgres.Config, found *postgres.Inspection) {
	fmt.Fprintf(b, "connectors:\n  %s:\n    connector.class: postgres\n", quoted(config.Prefix))
	fmt.Fprintf(b, "    database.hostname: %s\n    database.port: %d\n    database.dbname: %s\n    database.user: %s\n", quoted(config.Hostname), config.Port, quoted(config.Database), quoted(c.Role))
	fmt.Fprintf(b, "    # Never written here: an environment variable, or ${file:/etc/rdip/password}.\n    database.password: ${env:RDIP_PASSWORD}\n")
	fmt.Fprintf(b, "    # Without it: verify-full, and disable where the server is on this machine.\n    %sdatabase.sslmode: %s\n", commented(config.SSLMode == ""), cmp.Or(string(config.SSLMode), "verify-full"))
	for _, k := range [...][2]string{{"database.sslrootcert", config.SSLRootCert}, {"database.sslcert", config.SSLCert}, {"database.sslkey", config.SSLKey}} {
		if k[1] != "" {
			fmt.Fprintf(b, "    %s: %s\n", k[0], quoted(k[1]))
		}
	}
	fmt.Fprintf(b, "\n    # Topics are %s.SCHEMA.TABLE.\n    topic.prefix: %s\n\n", comment(config.Prefix), quoted(config.Prefix))
	c.tables(b, found)
	fmt.Fprintf(b, "\n    # Made on the first start; a slot is never recreated silently.\n    slot.name: %s\n    publication.name: %s\n", quoted(config.SlotName), quoted(config.PublicationName))
	fmt.Fprintf(b, "    # disabled: the administrator made the publication (above). filtered: rdip makes it, as a role that owns the tables.\n    publication.autocreate.mode: %s\n", publicationMode(found))
	fmt.Fprintf(b, "\n    # Copy the tables first, then follow the log. no_data begins with the log at once.\n    snapshot.mode: initial\n")
}

// publicationMode is filtered for whoever may make the publication.
func publicationMode(found *postgres.Inspection) postgres.PublicationMode {
	if found.Super {
		return postgres.PublicationFiltered
	}
	return postgres.PublicationDisabled
}

// tables lists the tables that were seen, so that a reader sees what the expressions choose.
func (c initCommand) tables(b *bytes.Buffer, found *postgres.Inspection) {
	fmt.Fprintf(b, "    # Regular expressions that match the whole of SCHEMA.TABLE. They choose now:\n")
	if len(found.Tables) == 0 {
		fmt.Fprintf(b, "    #   no table at all\n")
	}
	for i := range found.Tables {
		t := &found.Tables[i]
		fmt.Fprintf(b, "    #   %s  (%s, %d columns, %s)\n", comment(t.ID()), rows(t.Rows), t.Columns, keyed(t))
	}
	fmt.Fprintf(b, "    table.include.list:\n")
	if len(c.Tables) == 0 {
		fmt.Fprintf(b, "      - %s\n", quoted(`.*\..*`))
	}
	for _, expression := range c.Tables {
		fmt.Fprintf(b, "      - %s\n", quoted(expression))
	}
}

func rows(n int64) string {
	if n < 0 {
		return "rows not counted yet"
	}
	return fmt.Sprintf("about %d rows", n)
}

func keyed(t *postgres.InspectedTable) string {
	if len(t.Key) == 0 {
		return "no key: its events all go to one partition"
	}
	return "key " + comment(strings.Join(t.Key, ", "))
}

// commented begins a line that is only shown.
func commented(shown bool) string {
	if shown {
		return "# "
	}
	return ""
}

// quoted is text as a YAML string.
func quoted(s string) string { return strconv.Quote(s) }

// comment is text that cannot end a line of a comment.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, s)
}
