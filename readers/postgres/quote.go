package postgres

import "strings"

// Everything that names an object or holds text in SQL goes through here (P31): the simple protocol and the
// replication protocol take no parameters. A NUL byte can stand in neither; the server refuses it.

// quoteIdentifier quotes a name for SQL and for replication commands.
func quoteIdentifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// quoteIdentifiers quotes names and joins them with commas.
func quoteIdentifiers(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteIdentifier(name)
	}
	return strings.Join(quoted, ", ")
}

// quoteTable quotes a table with its schema.
func quoteTable(schema, name string) string {
	return quoteIdentifier(schema) + "." + quoteIdentifier(name)
}

// quoteLiteral quotes text for SQL. With a backslash it becomes an E string, which means the same whatever
// standard_conforming_strings says (quote_literal does so too).
func quoteLiteral(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.ContainsRune(text, '\\') {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// quoteOption quotes text for an option of a replication command, whose scanner knows neither E strings nor
// backslashes (repl_scanner.l).
func quoteOption(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// quotedTable quotes a relation of the log.
func quotedTable(r *relation) string { return quoteTable(r.Schema, r.Name) }
