package source

import (
	"slices"
	"strings"
	"testing"

	"rdip/configs"
	"rdip/connect/source/routing"
	"rdip/internal/fault"
	"rdip/schema"
)

func namingByKeys(t *testing.T, keys map[string]string) (routing.Naming, error) {
	t.Helper()
	c := Config{}
	keys["connector.class"], keys["topic.prefix"] = "postgres", "shop"
	section := configs.FromMap("test", "shop", keys)
	found := configs.Decode(section, c.Definition())
	return c.Naming(), append(found, c.CheckRows(section.Where)...).Err()
}

// K8: two tables have one topic only where that is asked for.
func TestTablesWithOneTopicAreRefusedUnlessAskedFor(t *testing.T) {
	named := func(schemas ...string) []*schema.Table {
		var all []*schema.Table
		for i, s := range schemas {
			all = append(all, &schema.Table{Schema: s, Name: "t", OID: uint64(i + 1), Key: []int{0}, Columns: ordersLayout(0).Table.Columns})
		}
		return all
	}
	n, err := namingByKeys(t, map[string]string{"topic.naming": "all.${table}"})
	if err != nil {
		t.Fatal(err)
	}
	ts := newTables(n, nil)
	if _, err := ts.destination(named("a")[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.destination(named("b")[0]); err == nil || !strings.Contains(err.Error(), "a.t") {
		t.Errorf("a second table: %v", err)
	}
	if j := Judge(named("a", "b"), nil, n); len(j.Topics) != 1 || len(j.Findings) != 1 || j.Findings[0].Severity != fault.Fatal ||
		!strings.Contains(j.Findings[0].String(), "table b.t: its topic all.t is that of table a.t too") {
		t.Errorf("topics %v, findings %v", j.Topics, j.Findings)
	}
	n, err = namingByKeys(t, map[string]string{"topic.routing.regex": `shop\..*\.t`, "topic.routing.replacement": "all"})
	if err != nil {
		t.Fatal(err)
	}
	j := Judge(named("a", "b", "c"), nil, n)
	if len(j.Topics) != 1 || len(j.Findings) != 1 || j.Findings[0].Case != "K8" {
		t.Errorf("topics %v, findings %v", j.Topics, j.Findings)
	}
}

// Each column that cannot be as it is asked for is a finding of its own, so that one check shows them all.
func TestEveryColumnThatCannotBeMaskedIsAFinding(t *testing.T) {
	c := Config{}
	section := configs.FromMap("test", "shop", map[string]string{"connector.class": "postgres", "topic.prefix": "shop",
		"column.mask.with.3.chars": `public\.orders\..*`, "column.mask.with.4.chars": `public\.orders\.memo`})
	if err := configs.Decode(section, c.Definition()).Err(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range Judge([]*schema.Table{ordersLayout(0).Table}, c.Reshape(), c.Naming()).Findings {
		names = append(names, f.Where)
	}
	if want := []string{"column public.orders.id", "column public.orders.memo"}; !slices.Equal(names, want) {
		t.Errorf("findings about %v, want %v", names, want)
	}
}
