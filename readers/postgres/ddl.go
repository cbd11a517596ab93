package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"rdip/envelope"
)

// ddlPrefix is the prefix of the logical messages that the event trigger of ddl.capture writes.
const ddlPrefix = "rdip.ddl"

// ddlMessage is what the event trigger says of one statement (ddl_trigger.sql).
type ddlMessage struct {
	Event       string          `json:"event"` // ddl_command_end, sql_drop or table_rewrite
	Tag         string          `json:"tag"`   // the command, such as ALTER TABLE
	Statement   *string         `json:"statement"`
	Withheld    bool            `json:"withheld"`
	Truncated   bool            `json:"truncated"`
	SessionUser string          `json:"session_user"`
	CurrentUser string          `json:"current_user"`
	Application *string         `json:"application_name"`
	Client      *string         `json:"client_address"`
	Objects     []alteredObject `json:"objects"`
}

// alteredObject is one object that a statement altered. What the server does not say of its kind is empty.
type alteredObject struct {
	Class    *string `json:"class"` // the catalog that it is in: pg_class
	OID      *uint32 `json:"oid"`
	Tag      string  `json:"tag"`
	Type     *string `json:"type"`
	Schema   *string `json:"schema"`
	Identity *string `json:"identity"`
	Name     *string `json:"name"` // of a relation
}

// table says whether the object is a table, or a column of one.
func (o *alteredObject) table() bool {
	if o.Class == nil || *o.Class != "pg_class" || o.OID == nil || o.Schema == nil || o.Name == nil || o.Type == nil {
		return false
	}
	return *o.Type == "table" || *o.Type == "table column"
}

// schemaChange reads a message of the event trigger; nil for one that is not its own, since any role may emit a
// message with that prefix. Captured tables are shown as the catalog has them now, later than the statement.
func (c *catalog) schemaChange(ctx context.Context, content []byte) (*envelope.SchemaChange, error) {
	m, ok := parseDDL(content)
	if !ok {
		return nil, nil
	}
	change := &envelope.SchemaChange{DDL: m.text(), Facts: m.facts()}
	for i := range m.Objects {
		if s := m.Objects[i].Schema; s != nil && change.Schema == "" {
			change.Schema = *s
		}
	}
	var err error
	if change.Tables, err = c.tableChanges(ctx, m); err != nil {
		return nil, err
	}
	if len(change.Tables) == 1 {
		change.Schema, change.Table = change.Tables[0].Schema, change.Tables[0].Name
	}
	return change, nil
}

// parseDDL reads a message's content; ok says that it reads like one of the event trigger's.
func parseDDL(content []byte) (m *ddlMessage, ok bool) {
	m = &ddlMessage{}
	err := json.Unmarshal(content, m)
	return m, err == nil && m.Tag != "" && len(m.Objects) > 0
}

// tableChanges are the captured tables among the objects, each once.
func (c *catalog) tableChanges(ctx context.Context, m *ddlMessage) ([]envelope.TableChange, error) {
	var changes []envelope.TableChange
	var seen []uint32
	for i := range m.Objects {
		o := &m.Objects[i]
		if !o.table() || slices.Contains(seen, *o.OID) || !c.filter.captured(*o.Schema, *o.Name) {
			continue
		}
		seen = append(seen, *o.OID)
		change := envelope.TableChange{Type: m.kind(*o.OID), ID: quotedID(*o.Schema, *o.Name), Schema: *o.Schema, Name: *o.Name}
		if change.Type != "DROP" {
			var err error
			if change.Table, err = c.shape(ctx, *o.OID); err != nil {
				return nil, err
			}
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// kind is what a statement did to a table, in Debezium's words (TableChanges.TableChangeType).
func (m *ddlMessage) kind(table uint32) string {
	if m.Event == "sql_drop" {
		return "DROP"
	}
	for i := range m.Objects {
		o := &m.Objects[i]
		if o.table() && *o.OID == table && (strings.HasPrefix(o.Tag, "CREATE ") || o.Tag == "SELECT INTO") {
			return "CREATE"
		}
	}
	return "ALTER"
}

// text is the statement; where it is withheld, the command and the objects stand for it.
func (m *ddlMessage) text() string {
	if m.Statement != nil && !m.Withheld && !mayHoldSecret(*m.Statement) {
		return *m.Statement
	}
	var names []string
	for i := range m.Objects {
		if id := m.Objects[i].Identity; id != nil {
			names = append(names, *id)
		}
	}
	return m.Tag + " " + strings.Join(names, ", ") + " /* the statement is withheld: it may hold a secret, or is not itself a definition */"
}

// facts become headers.
func (m *ddlMessage) facts() []envelope.Fact {
	facts := []envelope.Fact{{Name: "__rdip.ddl.event", Value: m.Event}, {Name: "__rdip.ddl.command", Value: m.Tag},
		{Name: "__rdip.ddl.session_user", Value: m.SessionUser}, {Name: "__rdip.ddl.current_user", Value: m.CurrentUser}}
	for _, f := range []struct {
		name  string
		value *string
	}{{"application_name", m.Application}, {"client_address", m.Client}} {
		if f.value != nil && *f.value != "" {
			facts = append(facts, envelope.Fact{Name: "__rdip.ddl." + f.name, Value: *f.value})
		}
	}
	if m.Truncated {
		facts = append(facts, envelope.Fact{Name: "__rdip.ddl.truncated", Value: strconv.FormatBool(true)})
	}
	return append(facts, envelope.Fact{Name: "__rdip.ddl.objects", Value: m.objects()})
}

// objects is what was altered, as JSON: of every kind, captured or not.
func (m *ddlMessage) objects() string {
	type object struct {
		Type     string `json:"type"`
		Schema   string `json:"schema,omitempty"`
		Identity string `json:"identity,omitempty"`
	}
	list := make([]object, len(m.Objects))
	for i := range m.Objects {
		o := &m.Objects[i]
		list[i] = object{Type: textOf(o.Type), Schema: textOf(o.Schema), Identity: textOf(o.Identity)}
	}
	text, _ := json.Marshal(list) // strings always marshal
	return string(text)
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// quotedID is a table's name as Debezium's TableId.toDoubleQuotedString has it.
func quotedID(schema, name string) string {
	return quoteIdentifier(schema) + "." + quoteIdentifier(name)
}
