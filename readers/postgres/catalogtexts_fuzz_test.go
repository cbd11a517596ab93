package postgres

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/schema"
)

// FuzzSnapshotText: a snapshot's text says of every transaction what pg_visible_in_snapshot would (P67).
func FuzzSnapshotText(f *testing.F) {
	f.Add("10:20:10,14,15", uint32(14))
	f.Add("4294967290:4294967300:4294967295", uint32(3))
	f.Add("1:1:", uint32(1))
	f.Add("5:4:9,,", uint32(9))
	f.Fuzz(func(t *testing.T, text string, id uint32) {
		v, err := parseView(text)
		if err != nil {
			return
		}
		if !slices.IsSorted(v.running) {
			t.Fatalf("%q: %v", text, v.running)
		}
		again, err := parseView(viewText(v))
		if err != nil || !reflect.DeepEqual(again, v) {
			t.Fatalf("%q: %+v, written and read %+v, %v", text, v, again, err)
		}
		full := v.xmax + uint64(int64(int32(id-uint32(v.xmax))))
		sees := full < v.xmin || full < v.xmax && !slices.Contains(v.running, full)
		if v.Sees(uint64(id), 0) != sees {
			t.Fatalf("%q sees %d (%d): %v", text, id, full, !sees)
		}
	})
}

func viewText(v *view) string {
	ids := make([]string, len(v.running))
	for i, id := range v.running {
		ids[i] = strconv.FormatUint(id, 10)
	}
	return fmt.Sprintf("%d:%d:%s", v.xmin, v.xmax, strings.Join(ids, ","))
}

// FuzzTimelineHistory: what is read of a history file, written again as the server writes one, is read the same (P60).
func FuzzTimelineHistory(f *testing.F) {
	f.Add("1\t0/3000000\tno recovery target specified\n\n2\t0/5000060\tbefore 2000-01-01 00:00:00+00\n")
	f.Add("# comment\n1 FFFFFFFF/FFFFFFFF\n")
	f.Add("1\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHistory(text)
		if err != nil {
			return
		}
		var b strings.Builder
		for timeline, end := range h {
			fmt.Fprintf(&b, "%d\t%s\tno recovery target specified\n", timeline, lsnText(end))
		}
		if again, err := parseHistory(b.String()); err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%q: %v, written and read %v, %v", text, h, again, err)
		}
	})
}

// FuzzEventTriggerMessage: any role may write a message with the prefix of the event trigger. What reads like one has a
// command and objects, shows no text that may hold a secret, and its facts are text for headers.
func FuzzEventTriggerMessage(f *testing.F) {
	f.Add([]byte(`{"tag":"ALTER TABLE","event":"ddl_command_end","statement":"ALTER TABLE t ADD c int","objects":[{"class":"pg_class","oid":1,"tag":"ALTER TABLE","type":"table","schema":"public","identity":"public.t","name":"t"}]}`))
	f.Add([]byte(`{"tag":"CREATE ROLE","statement":"CREATE ROLE r PASSWORD 'x'","objects":[{"identity":"r"}]}`))
	f.Add([]byte(`{"tag":"X","withheld":true,"objects":[{}]}`))
	f.Add([]byte(`{"tag":"X","statement":null,"objects":[{"oid":-1}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, ok := parseDDL(content)
		if !ok {
			return
		}
		if m.Tag == "" || len(m.Objects) == 0 {
			t.Fatalf("%s has no command or no object", content)
		}
		if text := m.text(); m.Statement != nil && text == *m.Statement && (m.Withheld || mayHoldSecret(text)) {
			t.Fatalf("%s is shown", text)
		}
		if !json.Valid([]byte(m.objects())) {
			t.Fatalf("%s", m.objects())
		}
		m.facts()
		for i := range m.Objects {
			if o := &m.Objects[i]; o.table() {
				m.kind(*o.OID)
			}
		}
	})
}

// FuzzSavedPlan: a plan's text comes back from the state folder or from a topic. It is refused, or is written again as
// it means; and a plan that is gone on with is cut into a bounded number of chunks (P69).
func FuzzSavedPlan(f *testing.F) {
	f.Add(`{"oid":1,"chunk_bytes":8388608,"parts":[{"oid":1,"file_node":1,"pages":1000,"bytes":81920000}]}`)
	f.Add(`{"oid":1,"chunk_bytes":1,"parts":[{"oid":1,"file_node":1,"pages":9223372036854775807,"bytes":9223372036854775807}]}`)
	f.Add(`{"oid":1,"chunk_bytes":4,"parts":[{"oid":1,"file_node":1,"pages":-1,"bytes":-5}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSavedPlan(text)
		if err != nil {
			return
		}
		table := &table{OID: 1, Schema: "public", Name: "t", FileNode: 1}
		p := planning{layout: &envelope.Layout{Table: &schema.Table{OID: 1, Schema: "public", Name: "t"}},
			parts: []*part{{leaf: table, pages: 10, bytes: 81920}}, chunkBytes: 8 << 20}
		if !p.resume(s) {
			return
		}
		again, err := parseSavedPlan(p.saved())
		if err != nil || !p.resume(again) {
			t.Fatalf("%s, written %s, is not gone on with: %v", text, p.saved(), err)
		}
		plan := p.plan()
		if len(plan.Chunks) == 0 || len(plan.Chunks) > mostChunks {
			t.Fatalf("%s: %d chunks", text, len(plan.Chunks))
		}
	})
}

// FuzzDatabaseURL: an error never shows the URL's password.
func FuzzDatabaseURL(f *testing.F) {
	const canary = "c4n4ry-of-the-url"
	for _, s := range []string{"postgres://u:%s@h:5432/d?sslmode=disable", "postgres://u:%s@[::1", "mysql://u:%s@h/d", "postgres://h/d?password=%s&sslmode=x", "host=h password=%s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, form string) {
		text := strings.Replace(form, "%s", canary, 1)
		var c Config
		err := c.SetURL(text)
		if err == nil {
			if shown := fmt.Sprintf("%v %+v %s", c.Password, c.Password, c.Password); strings.Contains(shown, canary) {
				t.Fatalf("%s is shown", shown)
			}
			return
		}
		if strings.Contains(err.Error(), canary) {
			t.Fatalf("%v shows the password", err)
		}
		if !fault.IsPermanent(err) {
			t.Fatalf("%v is no permanent fault", err)
		}
	})
}
