package configs_test

import (
	"fmt"
	"time"

	"rdip/configs"
)

// A package owns a struct and one definition that binds each key to a field.
type source struct {
	Hostname  string
	Port      int
	Password  configs.Secret
	Tables    configs.Patterns
	Heartbeat time.Duration
}

func (c *source) Definition() *configs.Definition {
	d := configs.NewDefinition("A source")
	d.Group("Connection")
	d.String(&c.Hostname, "database.hostname", "Host name of the server.", configs.Default("localhost"))
	d.Int(&c.Port, "database.port", "Port of the server.", configs.Default("5432"), configs.Between("1", "65535"))
	d.Secret(&c.Password, "database.password", "Password of the user.", configs.Required())
	d.Group("Tables")
	d.Patterns(&c.Tables, "table.include.list", "Tables to capture.")
	d.Duration(&c.Heartbeat, "heartbeat.interval.ms", "Time between heartbeats.", configs.Default("10s"))
	return d
}

func Example() {
	file, findings := configs.Parse("orders.yaml", []byte(`
connectors:
  shop:
    database: {hostname: db1, prot: 5433}
    table.include.list: public\.(?!audit).*
    heartbeat.interval.ms: 10
`))
	var c source
	findings = append(findings, configs.Decode(file.Connector("shop"), c.Definition())...)
	fmt.Println(findings.Err())
	fmt.Println(c.Hostname, c.Port, c.Heartbeat)
	// Output:
	// error: orders.yaml:4:31 connectors.shop.database.prot: the key is unknown; needed: a known key; the nearest is database.port; fix: rename it to database.port
	// error: orders.yaml:5:5 connectors.shop.table.include.list: the expression "public\.(?!audit).*" uses a negative lookahead (?!...), which only Java has; needed: a regular expression in RE2's syntax; fix: name what to leave out in the matching exclude list
	// error: orders.yaml:3:3 connectors.shop.database.password: the key is missing; needed: a secret; fix: add a line "database.password: ..."
	// db1 5432 10ms
}
