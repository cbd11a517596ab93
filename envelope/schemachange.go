package envelope

// SchemaChange is a statement that altered the source's definitions, as the reader learnt it from a logical
// message of its own.
type SchemaChange struct {
	Schema string // of the first object, "" where it is in none
	Table  string // the one table that it concerns, "" where it is none or several
	DDL    string // the statement; a text that may hold a password is withheld
	Tables []TableChange
	// Facts say who altered what, in their order; they become headers of the record.
	Facts []Fact
}

// Fact is one thing that is known of a schema change beside what Debezium's record has room for.
type Fact struct{ Name, Value string }

// TableChange is one captured table as a statement left it.
type TableChange struct {
	Type         string // CREATE, ALTER or DROP
	ID           string // "schema"."table", quoted
	Schema, Name string
	Table        *TableShape
}

// TableShape is a table's definition in Debezium's form.
type TableShape struct {
	Key     []string
	Columns []ColumnShape
	Comment *string
}

// ColumnShape is one column of it. Nil fields are not known.
type ColumnShape struct {
	Name       string
	JDBC       int32  // java.sql.Types
	Native     int32  // the source's own number of the type
	Type       string // its name
	Expression string // the type as SQL has it, with length and scale
	Length     *int32
	Scale      *int32
	Position   int32 // from 1 on
	Nullable   bool
	Identity   bool // its values are made by the source
	Generated  bool
	Comment    *string
	Default    *string
	Labels     []string // of an enum
}

// AppendSchemaChange appends the value of a schema change's record: Debezium's SchemaChangeValue. nanos is when
// the daemon processed it, ns since 1970 UTC.
func AppendSchemaChange(dst []byte, o *Origin, tx *Transaction, m *Message, nanos int64) []byte {
	c := m.Change
	dst = o.Source(c.Schema, c.Table)(dst, tx, &Event{Place: m.Place})
	dst = AppendLong(dst, nanos/1e6)
	dst = appendText(dst, o.Database)
	dst = appendText(dst, c.Schema)
	dst = appendText(dst, c.DDL)
	return appendItems(dst, c.Tables, func(dst []byte, t *TableChange) []byte {
		dst = AppendString(AppendString(dst, t.Type), t.ID)
		if t.Table == nil {
			return append(dst, 0)
		}
		return t.Table.appendTo(append(dst, 2))
	})
}

func (t *TableShape) appendTo(dst []byte) []byte {
	dst = append(dst, 0, 2) // no character set of its own; the key is there, be it empty
	dst = appendItems(dst, t.Key, appendName)
	dst = appendItems(dst, t.Columns, func(dst []byte, c *ColumnShape) []byte { return c.appendTo(dst) })
	return appendOptional(dst, t.Comment)
}

func (c *ColumnShape) appendTo(dst []byte) []byte {
	dst = AppendLong(AppendString(dst, c.Name), int64(c.JDBC))
	dst = AppendLong(append(dst, 2), int64(c.Native))
	dst = appendText(AppendString(dst, c.Type), c.Expression)
	dst = append(dst, 0) // charsetName: a database has one
	dst = appendNumber(appendNumber(dst, c.Length), c.Scale)
	dst = AppendLong(dst, int64(c.Position))
	for _, yes := range [...]bool{c.Nullable, c.Identity, c.Generated} {
		dst = append(dst, 2, flag(yes))
	}
	dst = appendOptional(appendOptional(dst, c.Comment), c.Default)
	if len(c.Labels) == 0 {
		return append(dst, 0)
	}
	return appendItems(append(dst, 2), c.Labels, appendName)
}

func appendName(dst []byte, s *string) []byte { return AppendString(dst, *s) }

// appendItems appends an Avro array.
func appendItems[T any](dst []byte, items []T, one func([]byte, *T) []byte) []byte {
	if len(items) > 0 {
		dst = AppendLong(dst, int64(len(items)))
	}
	for i := range items {
		dst = one(dst, &items[i])
	}
	return append(dst, 0)
}

// appendText is a nullable string, null for "".
func appendText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, 0)
	}
	return AppendString(append(dst, 2), s)
}

func appendOptional(dst []byte, s *string) []byte {
	if s == nil {
		return append(dst, 0)
	}
	return AppendString(append(dst, 2), *s)
}

func appendNumber(dst []byte, n *int32) []byte {
	if n == nil {
		return append(dst, 0)
	}
	return AppendLong(append(dst, 2), int64(*n))
}

func flag(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}
