package postgres

import (
	"strings"
	"testing"
)

// P20, P22: a value that an enum is given, and types and domains that are made, while the stream runs and its layouts
// are known: every row arrives, and nothing ends.
func TestTypesThatAreMadeUnderARunningStreamEndNothing(t *testing.T) {
	s := shared(t, "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t(id int PRIMARY KEY, m mood)")
	h := &recorder{}
	r := s.run(t, 0, h)
	arrive := func(statement string, lines ...string) {
		t.Helper()
		s.exec(t, statement)
		for _, line := range lines {
			r.until(t, line, func() bool { return strings.Contains(strings.Join(h.all(), "\n"), line) })
		}
	}
	arrive("INSERT INTO t VALUES (1, 'sad')", "c public.t after(1,sad)")
	s.exec(t, "ALTER TYPE mood ADD VALUE 'happy'")
	arrive("INSERT INTO t VALUES (2, 'happy')", "c public.t after(2,happy)")
	s.exec(t, "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'")
	arrive("INSERT INTO t VALUES (3, 'blue')", "c public.t after(3,blue)")
	s.exec(t, "CREATE TYPE pair AS (a int, b mood); CREATE DOMAIN moods AS mood[] CHECK (cardinality(VALUE) < 9)")
	s.exec(t, "ALTER TABLE t ADD p pair, ADD s moods")
	arrive("INSERT INTO t VALUES (4, 'happy', (7, 'blue'), '{happy,NULL}')", "table public.t(id,m,p,s)", "c public.t after(4,happy,(7,blue),{happy,NULL})")
	s.exec(t, "CREATE TYPE span AS RANGE (subtype = numeric); CREATE TABLE later(id int PRIMARY KEY, s span)")
	arrive("INSERT INTO later VALUES (5, '[1,2.5)')", "c public.later after(5,[1,2.5))")
}
