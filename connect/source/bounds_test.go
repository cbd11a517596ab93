package source

import (
	"errors"
	"testing"

	"rdip/connect/source/routing"
	"rdip/envelope"
)

// A changed key is a delete and a create; the delete counts though the transform drops it, as with Debezium.
func TestADroppedDeleteOfAChangedKeyIsCounted(t *testing.T) {
	chain, _ := chainByKeys(t, `
transforms.unwrap.type: io.debezium.transforms.ExtractNewRecordState
transforms.unwrap.delete.tombstone.handling.mode: drop
transforms.unwrap.add.fields: transaction.total_order`)
	l, k := ownLane(t, nil)
	l.run.tables.naming = routing.Naming{Prefix: "shop", Transforms: chain}
	s := script{l}
	orders := named("orders", 1)
	moved := func() error {
		return errors.Join(l.Table(orders), l.Row(&envelope.Event{Op: envelope.Update, Layout: orders, Place: 12, KeyOnly: true,
			Before: envelope.Row{present("1"), {}, {}}, After: envelope.Row{present("2"), {}, {}}}))
	}
	got := play(t, l, k, s.begin(7, 19), moved, s.row(orders, envelope.Create, 13), s.commit(20))
	if want := "BEGIN tx-07:0010; public.orders; public.orders; END tx-07:0020 3 public.orders=3"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
