package client_test

import (
	"net/http"
	"strings"
	"testing"

	"rdip/schema/client"
)

// R4: a subject, or a whole registry, that takes no schema is found before the start; one that knows no modes
// takes all.
func TestACheckFindsSubjectsThatTakeNoSchema(t *testing.T) {
	f := newFront(t)
	c := newClient(t, client.Config{URLs: f.URL})
	put := func(path, mode string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, f.URL+path, strings.NewReader(`{"mode":"`+mode+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("PUT %s: %v, %v", path, answer, err)
		}
		answer.Body.Close()
	}
	closed := func() string {
		var all []string
		for _, found := range c.CheckSubjects(t.Context(), []string{"a-key", "a/b-value"}) {
			all = append(all, found.Where)
		}
		return strings.Join(all, ", ")
	}
	if got := closed(); got != "" {
		t.Errorf("a registry that takes everything: %s", got)
	}
	put("/mode/a%2Fb-value", "READONLY")
	if got := closed(); got != `subject "a/b-value"` {
		t.Errorf("one subject is closed: %s", got)
	}
	put("/mode/a%2Fb-value", "READWRITE")
	put("/mode", "READONLY")
	if got := closed(); got != `subject "a-key"` {
		t.Errorf("the registry is closed, but for one subject: %s", got)
	}
	f.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	if got := closed(); got != "" {
		t.Errorf("a registry without modes: %s", got)
	}
}
