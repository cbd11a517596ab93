package harness

import (
	"os"
	"testing"

	"rdip/integration/testenv/pgserver"
)

// SQL runs a file of statements, each in a transaction of its own unless the file opens one.
func SQL(t *testing.T, pg *pgserver.Server, database, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	Script(t, pg, database, string(text))
}

// Script is SQL for statements that are in no file.
func Script(t *testing.T, pg *pgserver.Server, database, text string) {
	t.Helper()
	conn, err := pg.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range statements(text) {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%v in %s", err, statement)
		}
	}
}

// statements cuts SQL at the semicolons outside quotes and comments, so that each runs by itself, as psql
// runs it.
func statements(text string) []string {
	var out []string
	begin, quoted, comment := 0, false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case comment:
			comment = c != '\n'
		case c == '\'':
			quoted = !quoted
		case !quoted && c == '-' && i+1 < len(text) && text[i+1] == '-':
			comment = true
		case !quoted && c == ';':
			out = append(out, text[begin:i])
			begin = i + 1
		}
	}
	return out
}
