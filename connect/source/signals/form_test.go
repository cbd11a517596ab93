package signals

import (
	"strings"
	"testing"

	"rdip/internal/fault"
	"rdip/schema"
)

// What a signal's data may be, in Debezium's form.
func TestTheDataOfASignalNamesTablesAndTheirPredicates(t *testing.T) {
	captured := []*schema.Table{{Schema: "public", Name: "orders"}, {Schema: "public", Name: "items"}, {Schema: "audit", Name: "orders"}}
	for _, c := range []struct {
		data Data
		want string
	}{
		{Data{Tables: []string{"public.orders"}}, "public.orders:"},
		{Data{Tables: []string{`.*\.ORDERS`, "public.orders"}}, "audit.orders: public.orders:"},
		{Data{Tables: []string{"public.*"}, Conditions: []condition{{"public.items", " id = 7 "}}}, "public.items:id = 7 public.orders:"},
		{Data{Tables: []string{"public.items"}, Condition: "selected = 1"}, "public.items:selected = 1"},
		{Data{Tables: []string{"public.itens"}}, "did you mean public.items"},
		{Data{Tables: []string{"public.items", "absent"}}, `"absent" matches no captured table`},
		{Data{Tables: []string{"public.(items"}}, "expression"},
		{Data{Tables: []string{"public.items"}, Conditions: []condition{{"public.items", "SELECT * FROM items"}}}, "the condition alone"},
	} {
		asked, err := c.data.Asked(captured)
		var got []string
		for _, a := range asked {
			got = append(got, a.Table+":"+a.Where)
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
			if !fault.IsPermanent(err) {
				t.Errorf("%+v would be tried again: %v", c.data, err)
			}
		}
		if !strings.Contains(text, c.want) || err == nil && text != c.want {
			t.Errorf("%+v: %s; needed is %s", c.data, text, c.want)
		}
	}
}

// A record of the topic is a signal where its key is the connector's prefix (KafkaSignalChannel).
func TestARecordIsASignalOfItsConnectorOnly(t *testing.T) {
	for value, want := range map[string]string{
		`{"id":"x","type":"log","data":{"message":"m"}}`: `x log {"message":"m"}`,
		`{"type":"log"}`: "offset 7 log ",
		`{"id":"x"}`:     `no "type"`,
		`[]`:             "it is not",
		``:               "",
	} {
		signals, err := OfRecord(Record{Offset: 7, Key: []byte("shop"), Value: []byte(value)}, "shop")
		got := ""
		if err != nil {
			got = err.Error()
		}
		for _, s := range signals {
			got += s.ID + " " + s.Type + " " + s.Data
		}
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s; needed is %s", value, got, want)
		}
		if others, err := OfRecord(Record{Key: []byte("shop2"), Value: []byte(value)}, "shop"); err != nil || others != nil {
			t.Errorf("another connector's %s: %v, %v", value, others, err)
		}
	}
}
