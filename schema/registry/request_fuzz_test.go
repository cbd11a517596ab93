package registry

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// FuzzRequests: whatever is asked, the answer is JSON of the registry's form and never its own failure; what a subject
// has accepted is found by its id, as it was sent.
func FuzzRequests(f *testing.F) {
	const record = `{"schema":"{\"type\":\"record\",\"name\":\"V\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]}"}`
	for _, s := range []struct{ method, path, body string }{
		{"POST", "/subjects/a/versions", record}, {"POST", "/subjects/a/versions?normalize=true", record}, {"POST", "/subjects/a", record},
		{"POST", "/compatibility/subjects/a/versions/latest?verbose=true", record}, {"PUT", "/config/a", `{"compatibility":"FULL"}`}, {"PUT", "/config", `{"compatibility":""}`},
		{"PUT", "/mode", `{"mode":"IMPORT"}`}, {"POST", "/subjects/a/versions", `{"schema":"\"int\"","id":7,"version":3}`}, {"POST", "/subjects/%2F/versions", `{"schema":"[]"}`},
		{"GET", "/subjects/a/versions/-1", ""}, {"DELETE", "/subjects/a?permanent=true", ""}, {"GET", "/schemas/ids/1?subject=a", ""}, {"POST", "/subjects/a/versions", `{"schemaType":"JSON","schema":"{}"}`},
		{"POST", "/subjects/a/versions", `{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"r\",\"type\":\"R\"}]}","references":[{}]}`}, {"PATCH", "/x", "{"},
	} {
		f.Add(s.method, s.path, s.body)
	}
	blank := blankFile(f)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		target, err := url.ParseRequestURI(path)
		if err != nil || target.Host != "" || !strings.HasPrefix(target.Path, "/") {
			return
		}
		file := filepath.Join(t.TempDir(), "registry.db")
		if err := os.WriteFile(file, blank, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r.db.NoSync = true // its tests of power failures are others
		defer func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		code, text := ask(t, r, method, target, body)
		if code == http.StatusOK && method == http.MethodPost && strings.HasSuffix(target.Path, "/versions") && strings.HasPrefix(target.Path, "/subjects/") {
			found(t, r, body, text)
		}
		ask(t, r, method, target, body) // the same again meets what the first has made
	})
}

// blankFile is a registry with nothing in it.
func blankFile(f *testing.F) []byte {
	f.Helper()
	file := filepath.Join(f.TempDir(), "registry.db")
	r, err := Open(file)
	if err == nil {
		err = r.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
	blank, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	return blank
}

func ask(t *testing.T, r *Registry, method string, target *url.URL, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	req := (&http.Request{Method: method, URL: target, Header: http.Header{}, Proto: "HTTP/1.1", Host: "registry"}).WithContext(t.Context())
	req.Body = http.NoBody
	if body != "" {
		req.Body = io.NopCloser(strings.NewReader(body))
	}
	r.ServeHTTP(w, req)
	if w.Code >= 300 && w.Code < 400 {
		return w.Code, "" // net/http's own, of a path that is not clean
	}
	text := w.Body.String()
	var refusal struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	switch {
	case w.Code >= 500:
		t.Fatalf("%s %s %q: %d %s", method, target, body, w.Code, text)
	case w.Code >= 400 && (json.Unmarshal([]byte(text), &refusal) != nil || refusal.Code == 0 || refusal.Message == ""):
		t.Fatalf("%s %s %q: %d %s", method, target, body, w.Code, text)
	case w.Code == http.StatusOK && method != http.MethodHead && !json.Valid([]byte(text)):
		t.Fatalf("%s %s %q: %s", method, target, body, text)
	}
	return w.Code, text
}

// found looks a schema that was registered up by its id.
func found(t *testing.T, r *Registry, sent, answer string) {
	t.Helper()
	var proposed, kept struct {
		Schema string `json:"schema"`
		ID     int    `json:"id"`
	}
	if json.Unmarshal([]byte(answer), &kept) != nil || kept.ID <= 0 {
		t.Fatalf("%s is no id", answer)
	}
	_, text := ask(t, r, http.MethodGet, &url.URL{Path: "/schemas/ids/" + strconv.Itoa(kept.ID)}, "")
	if json.Unmarshal([]byte(text), &kept) != nil || json.Unmarshal([]byte(sent), &proposed) != nil || kept.Schema != proposed.Schema {
		t.Fatalf("%q was registered, and is kept as %s", sent, text)
	}
}
