package owntopics

import (
	"strings"
	"testing"
)

func TestAStatementIsToldWithoutItsConstants(t *testing.T) {
	cases := map[string]string{
		`ALTER TABLE t ALTER c SET DEFAULT 'SECRET'`:                                                                `ALTER TABLE t ALTER c SET DEFAULT '***'`,
		`ALTER TABLE t ADD c varchar(20) DEFAULT 'it''s SECRET', ADD d int`:                                         `ALTER TABLE t ADD c varchar(20) DEFAULT '***', ADD d int`,
		`ALTER TABLE t ALTER c SET DEFAULT E'a\\nSECRET' || U&'SECRET'`:                                             `ALTER TABLE t ALTER c SET DEFAULT E'***' || U&'***'`,
		`ALTER TABLE t ALTER c SET DEFAULT E'a\'SECRET' , ADD x int`:                                                `ALTER TABLE t ALTER c SET DEFAULT E'***'`,
		`CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $x$SELECT $$SECRET$$ $x$`:                                 `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS '***'`,
		`CREATE TABLE "a'b" (a$b$c int) -- SECRET` + "\n, d":                                                        `CREATE TABLE "a'b" (a$b$c int)  , d`,
		`CREATE /* SECRET /* SECRET */ SECRET */ TABLE t ()`:                                                        `CREATE   TABLE t ()`,
		`COMMENT ON TABLE t IS 'SECRET`:                                                                             `COMMENT ON TABLE t IS '***'`,
		`COMMENT ON TABLE t IS $$SECRET`:                                                                            `COMMENT ON TABLE t IS '***'`,
		`SELECT $1, "unended SECRET`:                                                                                `SELECT $1, '***'`,
		`ALTER TABLE t1 ALTER salary SET DEFAULT 77077, ADD n numeric (10, 2) DEFAULT -7.7077e+07 CHECK (n<.77077)`: `ALTER TABLE t1 ALTER salary SET DEFAULT '***', ADD n numeric (10, 2) DEFAULT -'***' CHECK (n<.'***')`,
		`ADD a character varying(20) DEFAULT 0x77077, ADD g geometry(Point,4326), ADD i interval second(3), ADD b$1 int DEFAULT f(77_077)`: `ADD a character varying(20) DEFAULT '***', ADD g geometry(Point,4326), ADD i interval second(3), ADD b$1 int DEFAULT f('***')`,
		`ADD n numeric(10,2) DEFAULT (77077), ADD "numeric"(77077)`:                                                                        `ADD n numeric(10,2) DEFAULT ('***'), ADD "numeric"('***')`,
		"SELECT 1e--SECRET\n, 0x1e-SECRET": "SELECT '***' , '***'-SECRET",
		``:                                 ``,
	}
	for sql, want := range cases {
		if got := withoutConstants(sql); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", sql, got, want)
		}
	}
}

// A constant is gone whatever stands around it.
func FuzzStatementsWithoutConstants(f *testing.F) {
	for _, s := range []string{"a", "'", `"`, "$$", "$x$", "--", "/*", `\`, "E'"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const canary, number = "c4n4ry", "770770770"
		for _, hidden := range []string{"'" + canary + "'", "= " + number} {
			got := withoutConstants(hidden + after)
			if (strings.Contains(got, canary) || strings.Contains(got, number)) && !strings.Contains(after, canary) && !strings.Contains(after, number) {
				t.Fatalf("%q became %q", after, got)
			}
		}
		if n := len(withoutConstants(before)); n > 5*len(before)+len(constant) {
			t.Fatalf("%q became %d bytes", before, n)
		}
	})
}
