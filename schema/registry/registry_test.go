package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a Registry on a real listener.
type server struct {
	*testing.T
	url  string
	stop func() // ends Serve and closes the file
}

func serve(t *testing.T, path string) *server {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, l) }()
	s := &server{T: t, url: "http://" + l.Addr().String()}
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(s.stop)
	return s
}

func newServer(t *testing.T) *server {
	t.Helper()
	return serve(t, filepath.Join(t.TempDir(), "state", "registry.db"))
}

func (s *server) call(method, path, body string) (int, string) {
	s.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != contentType {
		s.Errorf("%s %s: Content-Type %q", method, path, got)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// step is a request and what must come back: the status and, where answer is not empty, the whole body
// or (after "~") a part of it.
type step struct {
	request string // method and path
	body    string
	status  int
	answer  string
}

func (s *server) run(steps ...step) {
	s.Helper()
	for _, st := range steps {
		method, path, _ := strings.Cut(st.request, " ")
		code, text := s.call(method, path, st.body)
		part, isPart := strings.CutPrefix(st.answer, "~")
		switch {
		case code != st.status:
			s.Errorf("%s: %d %s, want %d", st.request, code, text, st.status)
		case isPart && !strings.Contains(text, part):
			s.Errorf("%s: %s\nhas no %s", st.request, text, part)
		case !isPart && st.answer != "" && !sameJSON(text, st.answer):
			s.Errorf("%s:\ngot  %s\nwant %s", st.request, text, st.answer)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

func schemaBody(schema string) string {
	b, _ := json.Marshal(map[string]string{"schema": schema})
	return string(b)
}

const (
	v1      = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"}]}`
	v2      = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"city","type":"string","default":""}]}`
	v3      = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"city","type":"string","default":"x"}]}`
	bad     = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"zip","type":"string"}]}`
	reorder = `{ "name":"V", "type":"record", "fields":[{"type":"int", "name":"id"}]}`
)

func TestASchemaKeepsOneIDHoweverOftenAndWhereverItIsRegistered(t *testing.T) {
	s := newServer(t)
	s.run(
		step{"GET /subjects", "", 200, `[]`},
		step{"POST /subjects/a-value/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/a-value/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/a-value/versions", schemaBody(reorder), 200, `{"id":1}`},
		step{"POST /subjects/b-value/versions", schemaBody(v2), 200, `{"id":2}`},
		step{"POST /subjects/b-value/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/a-value/versions", schemaBody(v2), 200, `{"id":2}`},
		step{"GET /subjects", "", 200, `["a-value","b-value"]`},
		step{"GET /subjects?subjectPrefix=b", "", 200, `["b-value"]`},
		step{"GET /subjects/a-value/versions", "", 200, `[1,2]`},
		step{"GET /subjects/b-value/versions/1", "", 200, `{"subject":"b-value","version":1,"id":2,"schema":` + quote(v2) + `}`},
		step{"GET /subjects/b-value/versions/latest", "", 200, `{"subject":"b-value","version":2,"id":1,"schema":` + quote(v1) + `}`},
		step{"GET /subjects/b-value/versions/-1/schema", "", 200, v1},
		step{"GET /subjects/b-value/versions/1/referencedby", "", 200, `[]`},
		step{"GET /schemas/ids/1", "", 200, `{"schema":` + quote(v1) + `}`},
		step{"GET /schemas/ids/1/schema", "", 200, v1},
		step{"GET /schemas/ids/1/versions", "", 200, `[{"subject":"a-value","version":1},{"subject":"b-value","version":2}]`},
		step{"GET /schemas/ids/2/subjects", "", 200, `["a-value","b-value"]`},
		step{"GET /schemas/types", "", 200, `["AVRO"]`},
		step{"POST /subjects/b-value", schemaBody(v1), 200, `{"subject":"b-value","version":2,"id":1,"schema":` + quote(v1) + `}`},
	)
}

func TestNormalizeTakesNamesWrittenInFullForTheSame(t *testing.T) {
	s := newServer(t)
	short := `{"type":"enum","name":"E","namespace":"n","symbols":["A"]}`
	long := `{"type":"enum","name":"n.E","symbols":["A"]}`
	s.run(
		step{"POST /subjects/s/versions", schemaBody(short), 200, `{"id":1}`},
		step{"POST /subjects/s/versions?normalize=true", schemaBody(long), 200, `{"id":1}`},
		step{"POST /subjects/s", schemaBody(long), 404, `~40403`},
		step{"POST /subjects/s?normalize=true", schemaBody(long), 200, `~"version":1`},
		step{"POST /subjects/s/versions", schemaBody(long), 200, `{"id":2}`},
	)
}

func TestWhatIsMissingOrWrongIsToldByConfluentsCodes(t *testing.T) {
	s := newServer(t)
	s.run(step{"POST /subjects/s/versions", schemaBody(v1), 200, ""})
	s.run(
		step{"GET /subjects/none/versions", "", 404, `{"error_code":40401,"message":"Subject 'none' not found."}`},
		step{"GET /subjects/none/versions/1", "", 404, `~40401`},
		step{"POST /subjects/none", schemaBody(v1), 404, `~40401`},
		step{"DELETE /subjects/none", "", 404, `~40401`},
		step{"GET /subjects/s/versions/9", "", 404, `{"error_code":40402,"message":"Version 9 not found."}`},
		step{"POST /subjects/s", schemaBody(v2), 404, `{"error_code":40403,"message":"Schema not found"}`},
		step{"GET /schemas/ids/9", "", 404, `{"error_code":40403,"message":"Schema 9 not found"}`},
		step{"GET /subjects/s/versions/zero", "", 422, `~42202`},
		step{"GET /subjects/s/versions/0", "", 422, `~42202`},
		step{"GET /subjects/s/versions/2147483648", "", 422, `~42202`},
		step{"POST /subjects/s/versions", schemaBody(`{"type":"record","name":"V"}`), 422, `~42201`},
		step{"POST /subjects/s/versions", `{"schemaType":"AVRO"}`, 422, `~42201`},
		step{"POST /subjects/s/versions", `{"schema":"message X {}","schemaType":"PROTOBUF"}`, 422, `~AVRO schemas only`},
		step{"POST /subjects/s/versions", `{"schema":"\"X\"","references":[{"name":"X","subject":"x","version":1}]}`, 422, `~references are not supported`},
		step{"POST /subjects/s/versions", `{"schema":"\"int\"","id":7}`, 422, `~42205`},
		step{"POST /subjects/s/versions", `nonsense`, 422, `~not valid`},
		step{"PUT /config", `{"compatibility":"BACKWARDS"}`, 422, `~42203`},
		step{"GET /config/s", "", 404, `~40408`},
		step{"GET /config/s?defaultToGlobal=true", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		step{"GET /mode", "", 200, `{"mode":"READWRITE"}`},
		step{"GET /mode/s", "", 404, `~40409`},
		step{"PUT /mode", `{"mode":"WRITEONLY"}`, 422, `~42204`},
		step{"POST /subjects/:.ctx:s/versions", schemaBody(v1), 422, `~42208`},
		step{"POST /subjects/" + strings.Repeat("x", 1025) + "/versions", schemaBody(v1), 422, `~42208`},
		step{"GET /nowhere", "", 404, `~"error_code":404`},
		step{"POST /subjects/s/versions", schemaBody(`"` + strings.Repeat("x", MaxBody) + `"`), 413, `~413`},
		step{"GET /subjects/s/versions", "", 200, `[1]`},
	)
	resp, err := http.Post(s.url+"/subjects/s/versions", "text/xml", strings.NewReader("<a/>"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("text/xml: %s", resp.Status)
	}
}

// R2
func TestAnIncompatibleSchemaIsRefusedWithReasonAndEarlierSchema(t *testing.T) {
	s := newServer(t)
	reason := "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'zip' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'zip'}"
	rest := ", {oldSchemaVersion: 1}, {oldSchema: '" + v1 + "'}, {compatibility: 'BACKWARD'}"
	message := `Schema being registered is incompatible with an earlier schema for subject "s", details: [` + reason + rest + "]"
	s.run(
		step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/s/versions", schemaBody(bad), 409, `{"error_code":409,"message":` + quote(message) + `}`},
		step{"GET /subjects/s/versions", "", 200, `[1]`},
		step{"POST /compatibility/subjects/s/versions/latest", schemaBody(bad), 200, `{"is_compatible":false}`},
		step{"POST /compatibility/subjects/s/versions/1?verbose=true", schemaBody(bad), 200, `~READER_FIELD_MISSING_DEFAULT_VALUE`},
		step{"POST /compatibility/subjects/s/versions/1?verbose=true", schemaBody(v2), 200, `{"is_compatible":true,"messages":[]}`},
		step{"POST /compatibility/subjects/s/versions", schemaBody(bad), 200, `{"is_compatible":false}`},
		step{"POST /compatibility/subjects/none/versions/latest", schemaBody(bad), 200, `{"is_compatible":true}`},
		step{"POST /compatibility/subjects/none/versions/1", schemaBody(bad), 404, `~40401`},
		step{"POST /compatibility/subjects/s/versions/7", schemaBody(bad), 404, `~40402`},
	)
}

func TestASubjectsLevelOverridesTheGlobalOne(t *testing.T) {
	s := newServer(t)
	s.run(
		step{"GET /config", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		step{"POST /subjects/s/versions", schemaBody(v1), 200, ""},
		step{"POST /subjects/s/versions", schemaBody(bad), 409, ""},
		step{"PUT /config/s", `{"compatibility":"none"}`, 200, `{"compatibility":"NONE"}`},
		step{"GET /config/s", "", 200, `{"compatibilityLevel":"NONE"}`},
		step{"POST /subjects/s/versions", schemaBody(bad), 200, `{"id":2}`},
		step{"DELETE /config/s", "", 200, `{"compatibilityLevel":"NONE"}`},
		step{"DELETE /config/s", "", 404, `~40401`},
		// v3 adds city with a default to the latest, and against v1 too; bad's zip is not in v1.
		step{"PUT /config", `{"compatibility":"FULL_TRANSITIVE"}`, 200, `{"compatibility":"FULL_TRANSITIVE"}`},
		step{"POST /subjects/s/versions", schemaBody(v3), 409, `~{oldSchemaVersion: 2}`},
		step{"PUT /config", `{"compatibility":"BACKWARD_TRANSITIVE"}`, 200, ""},
		step{"POST /subjects/s/versions", schemaBody(strings.Replace(bad, `"int"`, `"long"`, 1)), 409, `~{oldSchemaVersion: 1}`},
		step{"POST /subjects/s/versions", schemaBody(v3), 200, `{"id":3}`},
		step{"DELETE /config", "", 200, ""},
		step{"GET /config", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
	)
}

func TestDeletionIsSoftFirstAndThenForGood(t *testing.T) {
	s := newServer(t)
	s.run(
		step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":1}`},
		step{"POST /subjects/s/versions", schemaBody(v2), 200, `{"id":2}`},
		step{"DELETE /subjects/s/versions/2?permanent=true", "", 404, `~40407`},
		step{"DELETE /subjects/s/versions/latest", "", 200, `2`},
		step{"DELETE /subjects/s/versions/2", "", 404, `~40406`},
		step{"GET /subjects/s/versions", "", 200, `[1]`},
		step{"GET /subjects/s/versions?deleted=true", "", 200, `[1,2]`},
		step{"GET /subjects/s/versions?deletedOnly=true", "", 200, `[2]`},
		step{"GET /subjects/s/versions/2", "", 404, `~40402`},
		step{"GET /subjects/s/versions/2?deleted=true", "", 200, `~"id":2`},
		step{"GET /schemas/ids/2", "", 200, ""}, // records written with it are still there
		step{"GET /schemas/ids/2/subjects", "", 200, `[]`},
		step{"GET /schemas/ids/2/subjects?deleted=true", "", 200, `["s"]`},
		step{"POST /subjects/s", schemaBody(v2), 404, `~40403`},
		step{"POST /subjects/s/versions", schemaBody(v2), 200, `{"id":2}`}, // again: the same id, a new version
		step{"GET /subjects/s/versions", "", 200, `[1,3]`},
		step{"PUT /config/s", `{"compatibility":"NONE"}`, 200, ""},
		step{"DELETE /subjects/s?permanent=true", "", 404, `~40405`},
		step{"DELETE /subjects/s", "", 200, `[1,3]`},
		step{"DELETE /subjects/s", "", 404, `~40404`},
		step{"GET /config/s", "", 404, `~40408`},
		step{"GET /subjects", "", 200, `[]`},
		step{"GET /subjects?deleted=true", "", 200, `["s"]`},
		step{"GET /subjects?deletedOnly=true", "", 200, `["s"]`},
		step{"DELETE /subjects/s?permanent=true", "", 200, `[1,2,3]`},
		step{"DELETE /subjects/s?permanent=true", "", 404, `~40401`},
		step{"GET /subjects?deleted=true", "", 200, `[]`},
		step{"GET /schemas/ids/2", "", 404, `~40403`},
		step{"POST /subjects/s/versions", schemaBody(v1), 200, `{"id":3}`}, // ids are never used again
		step{"GET /subjects/s/versions", "", 200, `[1]`},
	)
}

// R4: escaping is by the URL, whatever the subject is called.
func TestASubjectMayHaveAnyName(t *testing.T) {
	s := newServer(t)
	for i, name := range []string{"a/b", "a b", "ü", "..", "a/../b", "a?b#c", "%41", "latest", "versions", "a//b"} {
		s.run(
			step{"POST /subjects/" + escape(name) + "/versions", schemaBody(v1), 200, ""},
			step{"GET /subjects/" + escape(name) + "/versions/latest", "", 200, `~` + quote(name)},
		)
		if _, text := s.call("GET", "/subjects", ""); strings.Count(text, ",") != i {
			t.Errorf("after %q: %s", name, text)
		}
	}
}

func TestConcurrentRegistrationsGetOneIDASchemaAndNoGaps(t *testing.T) {
	s := newServer(t)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			schema := fmt.Sprintf(`{"type":"enum","name":"E%d","symbols":["A"]}`, i%8)
			if code, text := s.call("POST", fmt.Sprintf("/subjects/s%d/versions", i%16), schemaBody(schema)); code != 200 {
				t.Errorf("%d %s", code, text)
			}
		})
	}
	wg.Wait()
	s.run(step{"GET /schemas/ids/8", "", 200, ""}, step{"GET /schemas/ids/9", "", 404, ""})
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func escape(subject string) string {
	return strings.ReplaceAll(url.PathEscape(subject), ".", "%2E")
}
