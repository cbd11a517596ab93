package postgres

import (
	"bytes"
	"testing"

	"rdip/envelope"
)

func TestASourceBlockAllocatesNothing(t *testing.T) {
	source := (&Config{Prefix: "p", Database: "d", Version: "v"}).sourceEncoder("s", "t")
	dst, tx, event := make([]byte, 0, 1<<10), &envelope.Transaction{ID: 1, Micros: 1, Previous: 7, Origin: "o", OriginPos: 1}, &envelope.Event{Place: 9}
	if allocations := testing.AllocsPerRun(100, func() { source(dst, tx, event) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// Debezium's records of an incremental snapshot have no transaction and no place; ours say as of when they were read.
func TestARowOfAnIncrementalSnapshotHasAPlaceUnlessDebeziumsBytesAreAskedFor(t *testing.T) {
	tx, placed := &envelope.Transaction{ID: 7, Place: 9, Micros: 1}, []byte{envelope.UnionValue, 7 << 1, envelope.UnionValue, 9 << 1}
	for _, c := range []struct {
		name     string
		debezium bool
		mark     envelope.Mark
		want     []byte // txId and lsn
	}{
		{"by default", false, envelope.Incremental, placed},
		{"under compatibility: debezium", true, envelope.Incremental, []byte{envelope.UnionNull, envelope.UnionNull}},
		{"a row of the first snapshot", true, envelope.Snapshotted, placed},
		{"a row of the stream", true, envelope.Streamed, placed},
	} {
		t.Run(c.name, func(t *testing.T) {
			block := (&Config{Debezium: c.debezium}).sourceEncoder("s", "t")(nil, tx, &envelope.Event{Mark: c.mark})
			_, behind, ok := bytes.Cut(block, envelope.AppendString(envelope.AppendString(nil, "s"), "t"))
			if want := append(bytes.Clone(c.want), envelope.UnionNull, envelope.UnionNull, envelope.UnionNull); !ok || !bytes.Equal(behind, want) {
				t.Errorf("behind the table's name: % x, want % x", behind, want)
			}
		})
	}
}
