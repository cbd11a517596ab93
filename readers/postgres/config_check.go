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
	if c.HeartbeatActionQuery != "" && c.HeartbeatInterval == 0 {
		out = append(out, fault.Finding{Severity: fault.Warning, Kind: fault.Configuration, Where: where("heartbeat.action.query"),
			Seen: "heartbeat.interval.ms is 0, so that it is never run", Need: "an interval", Fix: "heartbeat.interval.ms: 10000"})
	}
	c.checkReplication(add)
	return append(out, c.checkSnapshot(where)...)
}
