package postgres

import "rdip/configs"

// Events is what the connector is told about records that are of no table.
type Events struct {
	MessageInclude configs.Patterns
	MessageExclude configs.Patterns
	DDL            bool // ddl.capture
}

func (e *Events) define(d *configs.Definition) {
	d.Group("Messages and schema changes")
	d.Patterns(&e.MessageInclude, "message.prefix.include.list", "Logical messages (`pg_logical_emit_message`) to write to the topic `PREFIX.message`: expressions that must match the whole prefix. Without it: all; prefixes that begin with `rdip.` are rdip's own and never leave. Not together with `message.prefix.exclude.list`.")
	d.Patterns(&e.MessageExclude, "message.prefix.exclude.list", "Logical messages to leave out. Not together with `message.prefix.include.list`.")
	d.Bool(&e.DDL, "ddl.capture", "Whether statements that alter tables, views, functions, triggers and the rest become records of the topic `PREFIX`, in Debezium's schema-change form. It takes an event trigger, which a superuser installs (docs/PRIVILEGES.md).", configs.Default("false"))
}

// WantsMessage says whether logical messages of a prefix are written.
func (e *Events) WantsMessage(prefix string) bool {
	if !e.MessageInclude.IsEmpty() {
		return e.MessageInclude.Match(prefix)
	}
	return !e.MessageExclude.Match(prefix)
}
