package decode

import (
	"strings"
	"testing"

	"rdip/envelope"
)

func describe(c *Change) string {
	var parts []string
	for _, d := range c.Changed() {
		old := "?"
		if d.Old != nil {
			old = d.Old.Text()
		}
		parts = append(parts, d.Name+" "+old+" "+d.New.Text())
	}
	return strings.Join(parts, "; ")
}

func TestAnUpdateShowsWhatTheEnvelopeKnowsToHaveChanged(t *testing.T) {
	d := New(goldenSchemas(t))
	for name, c := range map[string]struct {
		topic  string
		offset int
		want   string
	}{
		"the one column, under FULL":                   {"zoo.public.t_full", 3, "v three three!"},
		"a value that became null, under FULL":         {"zoo.public.t_full", 4, "v three! null"},
		"the whole row where the old one is not known": {"zoo.public.t_change", 4, "id ? 4; v ? four!; n ? 4"},
		"P1: not what the log did not carry":           {"zoo.public.t_toast", 2, "id ? 1; small ? s2"},
	} {
		t.Run(name, func(t *testing.T) {
			change := goldenChange(t, d, c.topic, c.offset)
			if change.Op != envelope.Update {
				t.Fatalf("op %c, needed is an update", change.Op)
			}
			if got := describe(&change); got != c.want {
				t.Errorf("%q, needed is %q", got, c.want)
			}
		})
	}
}

func TestAChangeSaysWhereItComesFrom(t *testing.T) {
	c := goldenChange(t, New(goldenSchemas(t)), "zoo.public.t_full", 3)
	if c.ID() != "public.t_full" || c.DB != "golden_open" || c.LSN != 71391720 || c.Mark != "false" {
		t.Errorf("%+v", c)
	}
	if len(c.Key) != 1 || c.Key[0].Name != "id" || c.Key[0].Value.Int != 3 {
		t.Errorf("key %v", c.Key)
	}
	if c.Commit.IsZero() || c.Handled.Before(c.Commit) {
		t.Errorf("committed %s, handled %s", c.Commit, c.Handled)
	}
	first := goldenChange(t, New(goldenSchemas(t)), "zoo.public.t_full", 0)
	if first.Op != envelope.Read || first.Mark == "false" || first.Before != nil {
		t.Errorf("%+v", first)
	}
}

func TestFillingsOfAnOldRowAreNotFacts(t *testing.T) {
	row := &Type{Kind: Record, Fields: []Field{{"id", &Type{Kind: Long}}, {"status", &Type{Kind: String}}}}
	fill := func(id int64, status string) Value {
		return Value{Type: row, Items: []Value{number("", id), str(status)}}
	}
	envelopeType := &Type{Kind: Record, Fields: []Field{{"before", row}, {"after", row}, {"source", &Type{Kind: Record}}, {"op", &Type{Kind: String}}}}
	value := Value{Type: envelopeType, Items: []Value{fill(1, ""), fill(1, "paid"), {Type: &Type{Kind: Record}}, str("u")}}
	key := Value{Type: &Type{Kind: Record, Fields: row.Fields[:1]}, Items: []Value{number("", 1)}}
	for name, c := range map[string]struct {
		headers []Header
		want    string
	}{
		"with rdip's header only the key is known": {[]Header{{envelope.BeforeHeader, []byte("key")}}, "status ? paid"},
		"without it all of it is":                  {nil, `status "" paid`},
		"what is unavailable has not changed":      {[]Header{{envelope.UnavailableHeader, []byte(`["status"]`)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			change, ok := ChangeOf(&key, &value, c.headers)
			if !ok {
				t.Fatal("no envelope")
			}
			if got := describe(&change); got != c.want {
				t.Errorf("%q, needed is %q", got, c.want)
			}
		})
	}
}

func TestWhatIsNoEnvelopeIsSaidToBeNone(t *testing.T) {
	d := New(goldenSchemas(t))
	r := goldenRecords(t, "records", "zoo.public.t_full")[0]
	key, err := d.Decode(t.Context(), r.Key.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]Value{"a tombstone": {Type: nullType}, "a key": key, "a text": str("x")} {
		if _, ok := ChangeOf(&key, &v, nil); ok {
			t.Errorf("%s was taken for an envelope", name)
		}
	}
}
