package offsets

import (
	"reflect"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func halfRead() TableSnapshot {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	t := TableSnapshot{Format: Format, OID: 4711, Why: WhyAsked, By: "rdip snapshot", Where: `note <> 'a "b"'`, Keys: [][]string{{"1", "x"}, {"2", ""}},
		Plan: `{"oid":4711,"parts":[[0,128]]}`, Chunks: 12, Rest: &ChunkRest{Index: 3, Text: `{"from":7,"behind":"(7,1)"}`, Keys: true}, Owed: [][]string{{"17", "\x00 ü"}}, Rows: 1 << 40, Asked: at, Started: at.Add(time.Second), Paused: true, Logged: "table 17", Whole: "X7"}
	for _, i := range []int{0, 1, 2, 7} {
		t.Done.Add(i)
	}
	return t
}

func TestATablesSnapshotIsThereAfterTheFileIsOpenedAgain(t *testing.T) {
	dir := stateDir(t)
	s := open(t, dir)
	want := halfRead()
	done := TableSnapshot{Format: Format, OID: 5, Why: WhyInitial, Finished: want.Asked, Stopped: true}
	must(t, s.PutTables("shop", fullRecord(), map[string]*TableSnapshot{"public.orders": &want, `"a.b".c`: &done}))
	must(t, s.PutTables("shop2", fullRecord(), map[string]*TableSnapshot{"public.other": &done}))
	must(t, s.Close())
	s = open(t, dir)
	got, err := s.Tables("shop")
	if err != nil || !reflect.DeepEqual(got, map[string]TableSnapshot{"public.orders": want, `"a.b".c`: done}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if o := got["public.orders"]; !o.Left() {
		t.Error("half a table counts as read")
	}
	must(t, s.PutTables("shop", fullRecord(), map[string]*TableSnapshot{"public.orders": nil}))
	if got, err = s.Tables("shop"); err != nil || len(got) != 1 {
		t.Errorf("after one was forgotten: %+v, %v", got, err)
	}
	must(t, s.Delete("shop"))
	got, err = s.Tables("shop")
	other, otherErr := s.Tables("shop2")
	if len(got) != 0 || err != nil || len(other) != 1 || otherErr != nil {
		t.Errorf("after the connector was forgotten: %v, %v; the other's %v, %v", got, err, other, otherErr)
	}
}

// G3: a position and the keys that are owed at it are stored together or not at all.
func TestARefusedPositionStoresNoTableEither(t *testing.T) {
	s := open(t, stateDir(t))
	table := halfRead()
	must(t, s.PutTables("shop", Record{Place: 100}, map[string]*TableSnapshot{"public.orders": &table}))
	later := halfRead()
	later.Rows++
	wantFault(t, s.PutTables("shop", Record{Place: 99}, map[string]*TableSnapshot{"public.orders": &later}), true, "behind")
	if got, err := s.Tables("shop"); err != nil || !reflect.DeepEqual(got["public.orders"], table) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestADamagedTablesSnapshotIsRefusedAndNamed(t *testing.T) {
	dir := stateDir(t)
	s := open(t, dir)
	table := halfRead()
	must(t, s.PutTables("shop", Record{}, map[string]*TableSnapshot{"public.orders": &table}))
	must(t, s.Close())
	key := snapshotKey("shop", "public.orders")
	for name, c := range map[string]struct {
		value func(good []byte) []byte
		says  string
	}{
		"another table's": {func([]byte) []byte {
			v, err := encodeTableSnapshot(snapshotKey("shop", "public.other"), halfRead())
			must(t, err)
			return v
		}, "checksum"},
		"a newer format": {func([]byte) []byte { return appendSum(key, []byte(`{"format":4,"why":"initial"}`)) }, "newer rdip"},
		"a field more":   {func([]byte) []byte { return appendSum(key, []byte(`{"format":2,"surprise":1}`)) }, "surprise"},
	} {
		t.Run(name, func(t *testing.T) {
			var good []byte
			change(t, dir, func(tx *bbolt.Tx) error {
				b := tx.Bucket(snapshotsBucket)
				good = append([]byte(nil), b.Get(key)...)
				return b.Put(key, c.value(good))
			})
			_, err := Open(dir)
			wantFault(t, err, true, "public.orders", c.says)
			change(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(snapshotsBucket).Put(key, good) })
		})
	}
}
