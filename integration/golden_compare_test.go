package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"rdip/connect/source/owntopics"
	"rdip/integration/harness"
)

// masked are the fields that differ from run to run (testdata/golden/README.md).
var masked = map[string]any{"ts_ms": int64(1), "ts_us": int64(1), "ts_ns": int64(1), "lsn": int64(1), "txId": int64(1),
	"version": "v", "sequence": "s",
	"m_ts_ms": int64(1), "m_source_ts_us": int64(1), "m_lsn": int64(1), "m_txId": int64(1), "__version": "v"} // of the folder flat

// compareWire lists every difference between two topics.
func compareWire(want, got []wire) []string {
	var out []string
	if len(want) != len(got) {
		out = append(out, fmt.Sprintf("%d records, Debezium wrote %d", len(got), len(want)))
	}
	for i := range min(len(want), len(got)) {
		w, g := want[i], got[i]
		if !reflect.DeepEqual(w.Headers, g.Headers) {
			out = append(out, fmt.Sprintf("record %d: headers %v, want %v", i, g.Headers, w.Headers))
		}
		if w.Time != 0 && w.Time != g.Time {
			out = append(out, fmt.Sprintf("record %d: time %d, want %d", i, g.Time, w.Time))
		}
		out = append(out, comparePart(fmt.Sprintf("record %d: key", i), w.Key, g.Key, w.KeySchema, g.KeySchema, isTransaction(w.KeySchema))...)
		out = append(out, comparePart(fmt.Sprintf("record %d: value", i), w.Value, g.Value, w.ValueSchema, g.ValueSchema, true)...)
	}
	return out
}

// comparePart compares text, or schemas as JSON and bytes: as they are, or with the fields masked that differ from
// run to run, decoded and encoded again.
func comparePart(what string, want, got []byte, wantSchema, gotSchema string, mask bool) []string {
	if want == nil || got == nil {
		if (want == nil) != (got == nil) {
			return []string{fmt.Sprintf("%s: null is %v, want %v", what, got == nil, want == nil)}
		}
		return nil
	}
	if wantSchema == "" && gotSchema == "" {
		if w, g := maskText(want), maskText(got); w != g {
			return []string{fmt.Sprintf("%s:\n%s\nwant\n%s", what, g, w)}
		}
		return nil
	}
	if !reflect.DeepEqual(parsed(wantSchema), parsed(gotSchema)) {
		return []string{fmt.Sprintf("%s: schema\n%s\nwant\n%s", what, gotSchema, wantSchema)}
	}
	w, errW := normal(want, wantSchema, mask)
	g, errG := normal(got, gotSchema, mask)
	if errW == nil && errG == nil && strings.Contains(wantSchema, `"type":"map"`) && sameRecord(want, got, wantSchema) {
		return nil // the entries of a map have no order
	}
	switch {
	case errW != nil || errG != nil:
		return []string{fmt.Sprintf("%s: decoding: %v, Debezium's: %v", what, errG, errW)}
	case !bytes.Equal(w, g):
		return []string{fmt.Sprintf("%s: bytes\n%x\nwant\n%x\n%s\nwant\n%s", what, g, w, decoded(got, gotSchema), decoded(want, wantSchema))}
	}
	return nil
}

func parsed(schema string) any {
	var v any
	if err := json.Unmarshal([]byte(schema), &v); err != nil {
		return err.Error()
	}
	return v
}

// normal is the Avro binary behind the frame; with mask, the varying fields have one value.
func normal(framed []byte, schema string, mask bool) ([]byte, error) {
	if len(framed) < 5 || framed[0] != 0 {
		return nil, fmt.Errorf("no frame")
	}
	if record, _ := parsed(schema).(map[string]any); !mask || record["type"] != "record" {
		return framed[5:], nil
	}
	c, err := harness.Codec(schema)
	if err != nil {
		return nil, err
	}
	envelope, err := maskedRecord(framed, schema)
	if err != nil {
		return nil, err
	}
	return c.BinaryFromNative(nil, envelope)
}

// maskedRecord is a record as goavro decodes it, with the varying fields masked.
func maskedRecord(framed []byte, schema string) (map[string]any, error) {
	c, err := harness.Codec(schema)
	if err != nil {
		return nil, err
	}
	decoded, rest, err := c.NativeFromBinary(framed[5:])
	envelope, ok := decoded.(map[string]any)
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0 || !ok:
		return nil, fmt.Errorf("%d bytes behind the record", len(rest))
	}
	maskFields(envelope)
	if source, ok := envelope["source"].(map[string]any); ok {
		maskFields(source)
	}
	if transaction, ok := envelope["transaction"].(map[string]any); ok {
		transaction["event.block"].(map[string]any)["id"] = "t"
	}
	if isTransaction(schema) {
		envelope["id"] = "t"
		maskMessages(envelope)
	}
	return envelope, nil
}

// messagesObject is Debezium's name for the messages of a transaction, which is a Java object's with its address.
var messagesObject = regexp.MustCompile(`^io\.debezium\.connector\.postgresql\.LogicalDecodingMessageMonitor\$LogicalDecodingMessageId@[0-9a-f]+$`)

func maskMessages(end map[string]any) {
	collections, _ := end["data_collections"].(map[string]any)
	array, _ := collections["array"].([]any)
	for _, one := range array {
		counted, _ := one.(map[string]any)
		if inner, ok := counted["event.collection"].(map[string]any); ok {
			counted = inner
		}
		if name, ok := counted["data_collection"].(string); ok {
			counted["data_collection"] = messagesObject.ReplaceAllString(name, owntopics.MessagesCollection)
		}
	}
}

// sameRecord says whether two payloads hold the same, apart from the fields that are masked.
func sameRecord(want, got []byte, schema string) bool {
	w, errW := maskedRecord(want, schema)
	g, errG := maskedRecord(got, schema)
	return errW == nil && errG == nil && reflect.DeepEqual(w, g)
}

// isTransaction says whether a schema is of the transaction topic, where the id is a transaction's and a place.
func isTransaction(schema string) bool {
	return strings.Contains(schema, "io.debezium.connector.common.TransactionMetadata")
}

func maskFields(record map[string]any) {
	for name, to := range masked {
		switch old := record[name].(type) {
		case nil:
		case map[string]any:
			for branch := range old {
				record[name] = map[string]any{branch: to}
			}
		default:
			record[name] = to
		}
	}
}

func decoded(framed []byte, schema string) string {
	c, err := harness.Codec(schema)
	if err != nil {
		return err.Error()
	}
	native, _, err := c.NativeFromBinary(framed[5:])
	return fmt.Sprint(native, err)
}

var (
	varyingNumber = regexp.MustCompile(`"((?:m_)?(?:source_)?(?:ts_ms|ts_us|ts_ns|lsn|txId))":-?\d+`)
	varyingText   = regexp.MustCompile(`"((?:__)?version)":"[^"]*"`)
	varyingPlace  = regexp.MustCompile(`"sequence":"\[[^\]]*\]"`)
)

// maskText gives the fields that differ from run to run one value (testdata/golden/README.md). Debezium does not set
// source.snapshot in the stream, which shows where a converter does not put the default in its place.
func maskText(payload []byte) string {
	if payload == nil {
		return "null"
	}
	s := varyingNumber.ReplaceAllString(string(payload), `"$1":1`)
	s = strings.Replace(s, `"snapshot":null`, `"snapshot":"false"`, 1)
	s = varyingText.ReplaceAllString(s, `"$1":""`)
	return varyingPlace.ReplaceAllString(s, `"sequence":""`)
}
