package decode

import (
	"fmt"
	"testing"
)

func TestColumnsThatCameWentOrChangedAreNamed(t *testing.T) {
	table := func(columns string) *Type {
		s, err := Parse(`{"type":"record","name":"Envelope","fields":[{"name":"after","type":["null",{"type":"record","name":"Value","fields":[` + columns + `]}]}]}`)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	id := `{"name":"id","type":"int"}`
	day := `{"name":"day","type":["null",{"type":"int","connect.name":"io.debezium.time.Date"}]}`
	for name, c := range map[string]struct {
		old, now string
		want     string
	}{
		"P15: a column was added":     {id, id + "," + day, "[day (Date)] [] []"},
		"P15: a column was dropped":   {id + "," + day, id, "[] [day (Date)] []"},
		"P15: a column was retyped":   {id, `{"name":"id","type":"long"}`, "[] [] [id (int → long)]"},
		"its name is the table's":     {id, id + `,{"name":"a_u0020b","type":{"type":"array","items":["null","string"]}}`, "[a b (array of string)] [] []"},
		"only whether it may be null": {id, `{"name":"id","type":["null","int"]}`, "[] [] []"},
	} {
		t.Run(name, func(t *testing.T) {
			e := Evolved(table(c.old), table(c.now))
			if got := fmt.Sprint(e.Added, e.Dropped, e.Retyped); got != c.want {
				t.Errorf("%s, needed is %s", got, c.want)
			}
		})
	}
}
