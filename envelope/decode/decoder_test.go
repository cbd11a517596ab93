package decode

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"

	"rdip/internal/fault"
)

const zoo = `{"type":"record","name":"a.Zoo","fields":[
	{"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":["null","long"]},
	{"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"s","type":"string"},{"name":"y","type":"bytes"},
	{"name":"x","type":{"type":"fixed","name":"X","size":2}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
	{"name":"n","type":{"type":"array","items":["null","string"]}},{"name":"m","type":{"type":"map","values":"X"}},
	{"name":"t","type":["null","Zoo"],"default":null}]}`

var zooRow = map[string]any{"b": true, "i": -1, "l": int64(1) << 62, "f": float32(1.5), "d": 0.1, "s": "text", "y": []byte{0, 255},
	"x": []byte{1, 2}, "e": "B", "n": []any{"one", nil}, "m": map[string]any{"k": []byte{3, 4}}, "t": nil}

func TestEveryKindOfAvroDecodesAsAnotherLibraryEncodesIt(t *testing.T) {
	theirs := avro.MustParse(zoo)
	child := map[string]any{}
	for k, v := range zooRow {
		child[k] = v
	}
	child["t"] = zooRow
	data, err := theirs.Encode(child)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := Parse(zoo)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ours.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	row := `{"b":true,"i":-1,"l":4611686018427387904,"f":1.5,"d":0.1,"s":"text","y":"AP8=","x":"AQI=","e":"B","n":["one",null],"m":{"k":"AwQ="},"t":`
	if diff := cmp.Diff(row+row+"null}}", string(AppendJSON(nil, &v))); diff != "" {
		t.Error(diff)
	}
}

func TestAPayloadThatDoesNotFitIsRefusedByName(t *testing.T) {
	for name, c := range map[string]struct {
		schema  string
		payload string
		want    error
		says    string
	}{
		"a string that is cut off":      {`"string"`, "\x0aab", ErrShort, ""},
		"a string of negative length":   {`"string"`, "\x01", ErrCorrupt, "-1"},
		"a long without an end":         {`"long"`, "\xff\xff", ErrShort, ""},
		"a long of eleven bytes":        {`"long"`, strings.Repeat("\xff", 11), ErrCorrupt, "64 bits"},
		"an int that is too large":      {`"int"`, "\x80\x80\x80\x80\x10", ErrCorrupt, "2147483648"},
		"a double that is cut off":      {`"double"`, "1234567", ErrShort, ""},
		"a boolean of 2":                {`"boolean"`, "\x02", ErrCorrupt, "2"},
		"a union without that branch":   {`["null","int"]`, "\x04", ErrCorrupt, "number 2"},
		"an enum without that label":    {`{"type":"enum","name":"E","symbols":["A"]}`, "\x02", ErrCorrupt, "label of E"},
		"a block of a billion nulls":    {`{"type":"array","items":"null"}`, "\x80\xa8\xd6\xb9\x07\x00", ErrCorrupt, "items"},
		"bytes behind the value":        {`"boolean"`, "\x01\x00", ErrTrailing, "1 of 2"},
		"a list nested without end":     {`{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`, strings.Repeat("\x02", 1000), ErrCorrupt, "deeper"},
		"the name of the field is told": {`{"type":"record","name":"R","fields":[{"name":"ok","type":"int"},{"name":"bad","type":"string"}]}`, "\x02\x0a", ErrShort, "bad: "},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(c.schema)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Decode([]byte(c.payload))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, needed is %v with %q", err, c.want, c.says)
			}
		})
	}
}

func TestAFrameThatIsNotConfluentsIsRefusedWithTheWayOut(t *testing.T) {
	d := New(func(context.Context, int32) (string, error) { return `"int"`, nil })
	for name, payload := range map[string]string{"an empty value": "", "half of JSON": `{"id":`, "too short": "\x00\x00\x00"} {
		_, err := d.Decode(t.Context(), []byte(payload))
		var f *fault.Error
		if !errors.Is(err, ErrFrame) || !errors.As(err, &f) || !f.Permanent || !strings.Contains(f.Hint, "--format raw") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASchemaIsFetchedOnceAndAFailureAgain(t *testing.T) {
	asked, broken := 0, errors.New("registry down")
	d := New(func(_ context.Context, id int32) (string, error) {
		if asked++; asked == 1 {
			return "", broken
		}
		return `"int"`, nil
	})
	payload := append(binary.BigEndian.AppendUint32([]byte{0}, 7), 2)
	if _, err := d.Decode(t.Context(), payload); !errors.Is(err, broken) {
		t.Fatalf("%v, needed is the registry's own error", err)
	}
	for range 3 {
		if v, err := d.Decode(t.Context(), payload); err != nil || v.Int != 1 {
			t.Fatalf("%v %v", v, err)
		}
	}
	if asked != 2 {
		t.Errorf("the registry was asked %d times, needed is 2", asked)
	}
}

func TestASchemaThatIsNotAvroIsRefusedByItsID(t *testing.T) {
	d := New(func(context.Context, int32) (string, error) { return `syntax = "proto3";`, nil })
	_, err := d.Decode(t.Context(), []byte{0, 0, 0, 0, 9, 2})
	if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "id 9") {
		t.Error(err)
	}
}

// FuzzDecode: no payload panics or takes more memory than a multiple of its size, and what we accept twmb/avro
// accepts too, with the same bytes when it is written again.
func FuzzDecode(f *testing.F) {
	schemas := []string{zoo, `["null",{"type":"map","values":["null","a.Zoo",{"type":"array","items":"double"}]}]`}
	schemas[1] = strings.Replace(schemas[1], `"a.Zoo"`, zoo, 1)
	fetch := goldenSchemas(f)
	for _, id := range []int32{4, 18, 21, 25} {
		text, err := fetch(context.Background(), id)
		if err != nil {
			f.Fatal(err)
		}
		schemas = append(schemas, text)
	}
	ours, theirs := make([]*Type, len(schemas)), make([]*avro.Schema, len(schemas))
	for i, s := range schemas {
		var err error
		if ours[i], err = Parse(s); err != nil {
			f.Fatal(err)
		}
		theirs[i] = avro.MustParse(s)
	}
	seed, err := theirs[0].Encode(zooRow)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(0), seed)
	for i, topic := range []string{"t_arr", "t_misc", "t_num", "t_time"} {
		for _, r := range goldenRecords(f, "records", "zoo.public."+topic) {
			if r.Value != nil {
				f.Add(uint8(2+i), r.Value.bytes(f)[frame:])
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		i := int(which) % len(ours)
		v, err := ours[i].Decode(payload)
		_ = v.Text()
		if err != nil {
			return
		}
		AppendJSON(nil, &v)
		var generic any
		if rest, err := theirs[i].Decode(payload, &generic); err != nil || len(rest) > 0 {
			t.Fatalf("we take what twmb/avro refuses: %v, %d bytes left", err, len(rest))
		}
	})
}
