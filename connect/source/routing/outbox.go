package routing

import (
	"fmt"
	"strings"

	"rdip/configs"
)

const outboxClass = "io.debezium.transforms.outbox.EventRouter"

// InvalidOperation is what becomes of an update of the outbox table, which is for inserts and deletes only.
type InvalidOperation string

// The ways of Debezium's table.op.invalid.behavior.
const (
	InvalidWarn  InvalidOperation = "warn"
	InvalidError InvalidOperation = "error"
	InvalidFatal InvalidOperation = "fatal"
)

// OutboxOptions are those of Debezium's EventRouter: each row of the outbox table is a message, whose topic, key
// and value its columns hold.
type OutboxOptions struct {
	ID, Key, Type, Payload string // names of columns
	Timestamp, Version     string // the same; "" for none
	RouteBy                string // a column
	EmptyIsTombstone       bool
	Invalid                InvalidOperation
	Expand                 bool // the payload's JSON is written as the value that it is, not as text
	KeepNulls              bool // of such JSON
	KeepEmptyArrays        bool
	IgnoreMissing          bool // of additional columns

	placement          []string
	regex, replacement string
	nulls, emptyArrays string
	missing            string

	Topic      *configs.Replacer
	Additional []Placed
}

// Placed is a column beside the payload.
type Placed struct {
	Column, As string
	Where      string // header, envelope or partition
}

func (o *OutboxOptions) define(d *configs.Definition, under string) {
	d.String(&o.ID, under+"table.field.event.id", "Column with the message's id, which becomes the header `id`.", configs.Default("id"))
	d.String(&o.Key, under+"table.field.event.key", "Column with the message's key.", configs.Default("aggregateid"))
	d.String(&o.Type, under+"table.field.event.type", "Column with the message's type. It is only written where `table.fields.additional.placement` says so.", configs.Default("type"))
	d.String(&o.Payload, under+"table.field.event.payload", "Column with the message itself.", configs.Default("payload"))
	d.String(&o.Timestamp, under+"table.field.event.timestamp", "Column of type timestamp with the message's time. Without it: when the row was handled.", configs.Default(""))
	d.String(&o.Version, under+"table.field.event.schema.version", "Column with the version of the message's schema, where columns are placed in the envelope.", configs.Default(""))
	d.List(&o.placement, under+"table.fields.additional.placement", "More columns, as `COLUMN:header`, `COLUMN:envelope` or `COLUMN:partition`, each with `:ALIAS` behind it if wanted.", configs.Default(""))
	configs.Enum(d, &o.missing, under+"table.field.additional.missing", "What a column of that list that the table does not have is.", []configs.Choice{
		{Value: "error", Doc: "an error that stops the table."}, {Value: "ignore", Doc: "left out."}}, configs.Default("error"))
	d.String(&o.RouteBy, under+"route.by.field", "Column whose value says the topic.", configs.Default("aggregatetype"))
	d.String(&o.regex, under+"route.topic.regex", "Expression that the value of that column must match as a whole.", configs.Default("(?<routedByValue>.*)"), configs.Verbatim())
	d.String(&o.replacement, under+"route.topic.replacement", "The topic's name; `${routedByValue}` is the group of the expression.", configs.Default("outbox.event.${routedByValue}"), configs.Verbatim())
	d.Bool(&o.EmptyIsTombstone, under+"route.tombstone.on.empty.payload", "Whether an empty or NULL payload becomes a record with a null value.", configs.Default("false"))
	configs.Enum(d, &o.Invalid, under+"table.op.invalid.behavior", "What an update of the outbox table is.", []configs.Choice{
		{Value: string(InvalidWarn), Doc: "left out, with a warning."}, {Value: string(InvalidError), Doc: "left out, with an error in the log."},
		{Value: string(InvalidFatal), Doc: "an error that stops the table."}}, configs.Default(string(InvalidWarn)))
	d.Bool(&o.Expand, under+"table.expand.json.payload", "Whether a payload that is JSON is written as the value that it is, with a schema that is made from it, and not as text. Each shape of JSON is a schema of its own.", configs.Default("false"))
	configs.Enum(d, &o.nulls, under+"table.json.payload.null.behavior", "What a null in such JSON is.", []configs.Choice{
		{Value: "ignore", Doc: "left out."}, {Value: "optional_bytes", Doc: "a null field of type bytes."}}, configs.Default("ignore"))
	configs.Enum(d, &o.emptyArrays, under+"table.json.payload.empty.array.behavior", "What an empty array in such JSON is.", []configs.Choice{
		{Value: "ignore", Doc: "left out."}, {Value: "optional_string", Doc: "an empty array of strings."}}, configs.Default("ignore"))
}

func buildOutbox(s *step, d *configs.Definition, _ bool) func(*configs.Section) (string, error) {
	o := &OutboxOptions{}
	o.define(d, "")
	return func(*configs.Section) (string, error) {
		var err error
		if o.Topic, err = configs.NewReplacer(o.regex, o.replacement); err != nil {
			return "route.topic.replacement", err
		}
		o.KeepNulls, o.KeepEmptyArrays, o.IgnoreMissing = o.nulls == "optional_bytes", o.emptyArrays == "optional_string", o.missing == "ignore"
		if err := o.place(); err != nil {
			return "table.fields.additional.placement", err
		}
		s.outbox = o
		return "", nil
	}
}

// place reads COLUMN:PLACE[:ALIAS].
func (o *OutboxOptions) place() error {
	for _, text := range o.placement {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		parts := strings.Split(text, ":")
		if len(parts) < 2 || len(parts) > 3 {
			return fmt.Errorf("%q is not COLUMN:PLACE or COLUMN:PLACE:ALIAS", text)
		}
		p := Placed{Column: strings.TrimSpace(parts[0]), Where: strings.ToLower(strings.TrimSpace(parts[1]))}
		p.As = p.Column
		if len(parts) == 3 {
			p.As = strings.TrimSpace(parts[2])
		}
		if p.Where != "header" && p.Where != "envelope" && p.Where != "partition" {
			return fmt.Errorf("%q: the place is header, envelope or partition", text)
		}
		o.Additional = append(o.Additional, p)
	}
	return nil
}

// InEnvelope says whether the value is a record with the payload and more columns, and not the payload alone.
func (o *OutboxOptions) InEnvelope() bool {
	for i := range o.Additional {
		if o.Additional[i].Where == "envelope" {
			return true
		}
	}
	return false
}
