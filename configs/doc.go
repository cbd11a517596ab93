// Package configs is typed configuration: one definition a key gives its parsing, default, validation,
// documentation, completion and dump. It also holds the table of Debezium's and Kafka Connect's keys and
// the files that ship with rdip (examples, systemd unit).
//
// A package that is configured owns a struct and its Definition, which binds each key to a field:
//
//	type Config struct {
//		Hostname string
//		Password configs.Secret
//		Tables   configs.Patterns
//	}
//
//	func (c *Config) Definition() *configs.Definition {
//		d := configs.NewDefinition("PostgreSQL connector")
//		d.Group("Connection")
//		d.String(&c.Hostname, "database.hostname", "Host name of the server.", configs.Default("localhost"))
//		d.Secret(&c.Password, "database.password", "Password of database.user.")
//		d.Group("Tables")
//		d.Patterns(&c.Tables, "table.include.list", "Tables to capture.")
//		return d
//	}
//
// A file is read with Load (or Parse) into a File: the worker's Section and one Section a connector.
// Decode fills every struct bound to a section and returns all findings at once, each with file, line,
// column, key, the value seen, the value needed and the fix. A key that no definition has is looked up in
// the table of known foreign keys (Lookup) and is then accepted with a notice, refused with the reason, or
// refused as unknown with the nearest name.
//
// Values may hold ${env:NAME}, ${file:PATH} and ${file:PATH:KEY}; they are resolved after parsing, once,
// and what they give is never printed.
//
// Nothing here is safe for concurrent use except reading a decoded struct and Secret.
package configs
