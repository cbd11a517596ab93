package postgres

import (
	"fmt"

	"rdip/configs"
	"rdip/internal/fault"
)

// Check reports what no key shows by itself. where names a key's place in the file, as configs.Section.Where
// does.
func (c *Config) Check(where func(key string) string) fault.Findings {
	var out fault.Findings
	add := func(key, seen, need, fix string) {
		out = append(out, fault.Finding{Kind: fault.Configuration, Where: where(key), Seen: seen, Need: need, Fix: fix})
	}
	for _, pair := range []struct {
		include, exclude configs.Patterns
		what             string
	}{{c.SchemaInclude, c.SchemaExclude, "schema"}, {c.TableInclude, c.TableExclude, "table"},
		{c.Events.MessageInclude, c.Events.MessageExclude, "message.prefix"}} {
		if !pair.include.IsEmpty() && !pair.exclude.IsEmpty() {
			add(pair.what+".exclude.list", fmt.Sprintf("%s.include.list is given too, and would make it moot", pair.what),
				"one of the two lists", "remove "+pair.what+".exclude.list")
		}
	}
	if (c.SSLCert == "") != (c.SSLKey == "") {
		missing, given := "database.sslkey", "database.sslcert"
		if c.SSLCert == "" {
			missing, given = given, missing
		}
		add(given, missing+" is missing", "a client's certificate together with its key", missing+": PATH")
	}
	c.checkReplication(add)
	return append(out, c.checkSnapshot(where)...)
}
