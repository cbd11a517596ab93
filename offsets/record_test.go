package offsets

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// goldenRecord is what testdata holds, as format 1 writes it. Neither file may ever change: a later format
// reads them.
func goldenRecord() Record {
	r := fullRecord()
	r.Format, r.Updated = 1, time.Date(2026, 1, 2, 4, 0, 0, 123456789, time.UTC)
	return r
}

func TestARecordOfFormat1IsWrittenAndReadAsTheGoldenOne(t *testing.T) {
	golden, err := os.ReadFile("testdata/record-format1.json")
	must(t, err)
	value, err := encodeRecord("shop", goldenRecord())
	must(t, err)
	if !bytes.Equal(value, golden) {
		t.Errorf("got\n%s\nwant\n%s", value, golden)
	}
	got, err := decodeRecord("shop", golden)
	if err != nil || !reflect.DeepEqual(got, goldenRecord()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// D10: an older file is brought up to date when it is opened, and nothing in it is lost.
func TestAFileOfFormat1IsRead(t *testing.T) {
	content, err := os.ReadFile("testdata/offsets-format1.db")
	must(t, err)
	dir := stateDir(t)
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, FileName), content, 0o600))
	s := open(t, dir)
	got, found, err := s.Get("shop")
	want := goldenRecord()
	want.Updated = got.Updated
	if err != nil || !found || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, %v", got, found, err)
	}
	if id, found := s.SchemaID("shop.public.orders-value", [32]byte{1, 2, 3}); id != 42 || !found {
		t.Errorf("schema id %d, %v", id, found)
	}
	if tables, err := s.Tables("shop"); err != nil || len(tables) != 0 || got.Tables {
		t.Errorf("tables %v of a file that knew none, %v", tables, err)
	}
	must(t, s.PutTables("shop", got, map[string]*TableSnapshot{"public.orders": {OID: 1, Why: WhyAdded}}))
	must(t, s.Close())
	if c, err := Dump(dir, Options{}); err != nil || c.Format != Format || c.Tables["shop"]["public.orders"].OID != 1 {
		t.Errorf("after the upgrade: %+v, %v", c, err)
	}
}

func TestAPositionIsReadableInTheFile(t *testing.T) {
	value, err := encodeRecord("shop", Record{Format: 1, Position: `{"lsn":"0/16B3748"}`, Identity: "plain <text>"})
	must(t, err)
	for _, part := range []string{`"position":{"lsn":"0/16B3748"}`, `"identity":"plain <text>"`} {
		if !strings.Contains(string(value), part) {
			t.Errorf("%s does not hold %s", value, part)
		}
	}
}

func TestWhatARecordMayNotBeIsRefused(t *testing.T) {
	for name, body := range map[string]string{
		"a newer format":  `{"format":4,"place":1,"snapshot_done":true}`,
		"no format":       `{"place":1}`,
		"a field unknown": `{"format":1,"place":1,"snapshot_done":true,"surprise":1}`,
		"no object":       `[]`,
		"no JSON":         `{"format":1,`,
		"two values":      `{"format":1} {"format":1}`,
		"a place below 0": `{"format":1,"place":-1}`,
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := decodeRecord("shop", appendSum([]byte("shop"), []byte(body))); err == nil {
				t.Errorf("read as %+v", r)
			}
		})
	}
	good, err := encodeRecord("shop", goldenRecord())
	must(t, err)
	if _, err := decodeRecord("shoq", good); err == nil {
		t.Error("another connector's record was taken")
	}
	if _, err := decodeRecord("shop", bytes.Replace(good, []byte("B374D848"), []byte("B374D849"), 1)); err == nil {
		t.Error("a changed position was taken")
	}
	if _, err := encodeRecord("shop", Record{Format: 1, Position: "\xff"}); err == nil {
		t.Error("a position that would not come back was stored")
	}
}

// Texts that look like JSON, or nearly, come back byte for byte.
func TestARecordComesBackAsItWas(t *testing.T) {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{"", "{}", "{", `{"a":1}`, `{ "a": 1 }`, `{"a":"<&>\u2028"}`, `"quoted"`, "[1]", "null", "{\"a\":\"\u2028\"}", "a\nb"}),
		rapid.String())
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()
	})
	rapid.Check(t, func(t *rapid.T) {
		want := Record{
			Format: Format, Identity: text.Draw(t, "identity"), Cluster: rapid.String().Draw(t, "cluster"), Position: text.Draw(t, "position"),
			Place: rapid.Uint64().Draw(t, "place"), SnapshotDone: rapid.Bool().Draw(t, "done"),
			SnapshotStarted: moment.Draw(t, "started"), SnapshotFinished: moment.Draw(t, "finished"), Updated: moment.Draw(t, "updated"),
			ExactlyOnce: rapid.Bool().Draw(t, "exactly once"), ByHand: rapid.Bool().Draw(t, "by hand"),
		}
		if topics := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "topics"); len(topics) > 0 {
			want.Topics = topics
		}
		if tables := rapid.SliceOfDistinct(rapid.String(), rapid.ID[string]).Draw(t, "tables"); len(tables) > 0 {
			want.Stopped = map[string]StoppedTable{}
			for _, table := range tables {
				want.Stopped[table] = StoppedTable{Position: text.Draw(t, "at"), Place: rapid.Uint64().Draw(t, "table place"), Reason: rapid.String().Draw(t, "reason"),
					Within: rapid.Uint64().Draw(t, "within"), Rows: rapid.Int64().Draw(t, "rows")}
			}
		}
		value, err := encodeRecord("shop", want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRecord("shop", value)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v, %v\nwant %+v\nfrom %s", got, err, want, value)
		}
	})
}

// FuzzDecodeRecord: no bytes crash it, and what it takes it would write again with the same meaning.
func FuzzDecodeRecord(f *testing.F) {
	golden, err := os.ReadFile("testdata/record-format1.json")
	if err != nil {
		f.Fatal(err)
	}
	body, _, _ := bytes.Cut(golden, []byte("\n"))
	f.Add(body)
	f.Add([]byte(`{"format":1,"place":18446744073709551615,"position":"x"}`))
	f.Add([]byte(`{"format":1,"identity":{"a":{}},"stopped_tables":{"":{"place":0,"reason":""}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := decodeRecord("shop", appendSum([]byte("shop"), bytes.Clone(body)))
		if err != nil {
			return
		}
		value, err := encodeRecord("shop", r)
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		again, err := decodeRecord("shop", value)
		if err != nil || again.Place != r.Place || again.Position != r.Position || again.Identity != r.Identity {
			t.Fatalf("%+v and %+v, %v", r, again, err)
		}
	})
}
