package compatibility

import (
	"slices"
	"strings"
	"testing"
)

const (
	v1      = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"}]}`
	added   = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"city","type":"string"}]}`
	addedOK = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"city","type":"string","default":""}]}`
	wider   = `{"type":"record","name":"V","fields":[{"name":"id","type":"long"}]}`
	retyped = `{"type":"record","name":"V","fields":[{"name":"id","type":"string"}]}`
)

func TestALevelSaysWhichDirectionCounts(t *testing.T) {
	for _, c := range []struct {
		name, earlier, proposed string
		allowed                 []Level
	}{
		{"a field added without default", v1, added, []Level{None, Forward, ForwardTransitive}},
		{"a field removed that had none", added, v1, []Level{None, Backward, BackwardTransitive}},
		{"a field added with default", v1, addedOK, []Level{None, Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive}},
		{"a promotion", v1, wider, []Level{None, Backward, BackwardTransitive}},
		{"another type", v1, retyped, []Level{None}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, l := range []Level{None, Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive} {
				found := l.Judge(mustParse(t, c.proposed), mustParse(t, c.earlier))
				if allowed := len(found) == 0; allowed != slices.Contains(c.allowed, l) {
					t.Errorf("%s allows it: %v (%v)", l, allowed, found)
				}
			}
		})
	}
}

func TestALevelIsReadInAnyCaseAndNothingElse(t *testing.T) {
	if l, err := ParseLevel("full_Transitive"); l != FullTransitive || err != nil || !l.Transitive() {
		t.Errorf("%v %v", l, err)
	}
	if _, err := ParseLevel("BACKWARDS"); err == nil || !strings.Contains(err.Error(), `"BACKWARDS"`) || !strings.Contains(err.Error(), "FULL_TRANSITIVE") {
		t.Errorf("%v", err)
	}
}

// R6
func TestAnIncompatibilityIsSaidInConfluentsFormAndInAUsersWords(t *testing.T) {
	envelope := func(columns string) string {
		return `{"type":"record","name":"Envelope","namespace":"s.o","fields":[{"name":"before","type":["null",{"type":"record","name":"Value","fields":[` +
			columns + `]}],"default":null},{"name":"after","type":["null","Value"],"default":null}]}`
	}
	id, city := `{"name":"id","type":"int"}`, `{"name":"city","type":"string"}`
	for _, c := range []struct {
		name, earlier, proposed string
		level                   Level
		confluent, user         string
	}{
		{"a NOT NULL column added", v1, added, Backward,
			"{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'city' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'city'}",
			"city: added without a default, so earlier records cannot be read"},
		{"the same removed, for earlier readers", added, v1, Forward,
			"{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'city' at path '/fields/1' in the old schema has no default value and is missing in the new schema', additionalInfo:'city'}",
			"city: removed, and earlier readers need it: it had no default"},
		{"another type", v1, retyped, Backward,
			"{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: STRING not compatible with writer type: INT'}",
			"id: type changed from int to string"},
		{"another type, for earlier readers", v1, retyped, Forward,
			"{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the old schema does not match with the new schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}",
			"id: type changed from int to string"},
		{"a column inside an envelope is found behind its union", envelope(id), envelope(id + "," + city), Backward,
			"{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at path '/fields/0/type/1' in the old schema', additionalInfo:'reader union lacking writer type: RECORD'}",
			"before.city: added without a default, so earlier records cannot be read"},
		{"a null that is no longer allowed", `["null","int"]`, `["int","string"]`, Backward,
			"{errorType:'MISSING_UNION_BRANCH', description:'The new schema is missing a type inside a union field at path '/0' in the old schema', additionalInfo:'reader union lacking writer type: NULL'}",
			"(root): earlier records hold null, and it is now [int, string]"},
		{"symbols removed", `{"type":"enum","name":"E","symbols":["C","B","A"]}`, `{"type":"enum","name":"E","symbols":["A"]}`, Backward,
			"{errorType:'MISSING_ENUM_SYMBOLS', description:'The new schema is missing enum symbols '[B, C]' at path '/symbols' in the old schema', additionalInfo:'[B, C]'}",
			"(root): enum symbols [B, C] removed without a default"},
		{"another size", `{"type":"fixed","name":"F","size":4}`, `{"type":"fixed","name":"F","size":8}`, Backward,
			"{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/size' in the new schema does not match with the old schema', additionalInfo:'expected: 4, found: 8'}",
			"(root): type changed from fixed F(4) to fixed F(8)"},
		{"another name", `{"type":"fixed","name":"F","size":4}`, `{"type":"fixed","name":"G","size":4}`, Backward,
			"{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')', additionalInfo:'expected: F'}",
			"(root): name changed from fixed F(4) to fixed G(4) without an alias"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := c.level.Judge(mustParse(t, c.proposed), mustParse(t, c.earlier))
			if len(found) == 0 {
				t.Fatal("nothing found")
			}
			if got := found[0].String(); got != c.confluent {
				t.Errorf("\ngot  %s\nwant %s", got, c.confluent)
			}
			if lines := Explain(found); !slices.Equal(lines, []string{c.user}) {
				t.Errorf("\ngot  %q\nwant %q", lines, c.user)
			}
		})
	}
}
