package registryserver

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"rdip/integration/testenv/component"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestARegistryTakesASchemaAndForgetsItWhenStopped(t *testing.T) {
	for _, c := range []component.Component{component.Java(), component.Registry()} {
		if _, err := c.Path(); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	r, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	answer, err := http.Post(r.URL()+"/subjects/s/versions", "application/vnd.schemaregistry.v1+json",
		strings.NewReader(`{"schema":"\"string\""}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"id":`) {
		t.Errorf("registering answered %s %s (%v)", answer.Status, body, err)
	}
	if got := subjects(t, r); got != `["s"]` {
		t.Errorf("the subjects are %s", got)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.Get(r.URL() + "/subjects"); err == nil {
		_ = answer.Body.Close()
		t.Error("a stopped registry answered")
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := subjects(t, r); got != `[]` {
		t.Errorf("after a restart the subjects are %s", got)
	}
	p := r.server
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if p.Running() {
		t.Error("it runs after Close")
	}
	if _, err := os.Stat(r.dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", r.dir, err)
	}
}

func subjects(t *testing.T, r *Registry) string {
	t.Helper()
	answer, err := http.Get(r.URL() + "/subjects")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
