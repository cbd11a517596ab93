package integration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// canary is in every password of these tests.
const canary = "c4nary-m1ne"

// secretPipeline asks for a password everywhere: PostgreSQL's and Kafka's by SCRAM, the registry's by HTTP.
func secretPipeline(t *testing.T) *harness.Pipeline {
	t.Helper()
	pg := testenv.Postgres(t, pgserver.Options{Version: 18, Password: true})
	if err := pg.CreateUser(t.Context(), "cdc", canary+"-pg", "SUPERUSER REPLICATION"); err != nil {
		t.Fatal(err)
	}
	kafka := testenv.Kafka(t, kafkaserver.Options{Users: map[string]string{"rdip": canary + "-kafka"}})
	p := harness.NewPipelineBetween(t, pg, kafka)
	p.MakeItems(t)
	return p.Configured("log.level", "debug", "bootstrap.servers", kafka.SASLBootstrap(),
		"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.username", "rdip", "sasl.password", canary+"-kafka",
		"schema.registry.basic.auth.user.info", "rdip:"+canary+"-registry", "schema.registry.url", guarded(t, p.Registry, canary+"-registry"),
		"connectors.shop.database.user", "cdc", "connectors.shop.database.password", canary+"-pg")
}

// guarded stands before a registry and asks for a password.
func guarded(t *testing.T, registry, password string) string {
	t.Helper()
	behind := passTo(t, registry)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, got, _ := r.BasicAuth(); got != password {
			http.Error(w, `{"error_code":401,"message":"Unauthorized"}`, http.StatusUnauthorized)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + pathOf(t, registry)
}

// No secret is in the log at debug level, in REST, in the metrics, or in what the commands print; nor is
// row data in the log.
func TestNoSecretIsInLogsRestMetricsOrCommands(t *testing.T) {
	p := secretPipeline(t)
	d := p.Streaming(t)
	p.Exec(t, "INSERT INTO items VALUES (1, '"+canary+"-row')")
	harness.Eventually(t, "the rows to arrive", func() bool { return len(p.Records(t, "items")) == 2 })
	p.Converge(t)
	shown := map[string]string{
		"rdip check":   p.Command(t, harness.ExitDone, "check", p.ConfigFile()),
		"rdip status":  p.Command(t, harness.ExitDone, "status", "--format", "json", "--url", d.REST(t)),
		"rdip offsets": p.Command(t, harness.ExitDone, "offsets", "show", "--url", d.REST(t)),
	}
	for _, path := range []string{"/", "/connectors", "/connectors?expand=info&expand=status", "/connectors/shop", "/connectors/shop/status", "/connectors/shop/config",
		"/connectors/shop/tasks", "/connectors/shop/topics", "/connectors/shop/offsets", "/metrics", "/health"} {
		_, shown[path] = d.Get(t, path)
	}
	if !strings.Contains(shown["/connectors/shop/config"], "database.password") {
		t.Errorf("the configuration does not show that there is a password: %s", shown["/connectors/shop/config"])
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	shown["the log"] = d.Out.String()
	mustNotShow(t, shown)
}

// A wrong password is told by its key, and neither it nor the right one is shown.
func TestAWrongPasswordIsToldByItsKeyAndNotShown(t *testing.T) {
	p := secretPipeline(t)
	shown := map[string]string{}
	for _, c := range []struct{ key, value, says string }{
		{"connectors.shop.database.password", canary + "-wrong", "database.password"},
		{"sasl.password", canary + "-wrong", "sasl.password"},
		{"schema.registry.basic.auth.user.info", "rdip:" + canary + "-wrong", "401"},
		{"connectors.shop.database.passwort", canary + "-wrong", "database.password"},
	} {
		d := p.Configured(c.key, c.value).Start(t)
		if code := d.Wait(t, harness.Patience); code == harness.ExitDone || !strings.Contains(d.Out.String(), c.says) {
			t.Errorf("%s: exit code %d:\n%s", c.key, code, d.Out.String())
		}
		shown[c.key] = d.Out.String()
	}
	inURL := p.Configured("schema.registry.url", "http://rdip:"+canary+"-wrong@127.0.0.1:1")
	shown["a password in a URL"] = p.Command(t, harness.ExitPreflight, "check", inURL.File(t))
	mustNotShow(t, shown)
}

func mustNotShow(t *testing.T, shown map[string]string) {
	t.Helper()
	for where, text := range shown {
		if text == "" {
			t.Errorf("%s shows nothing", where)
		}
		if at := strings.Index(text, canary); at >= 0 {
			t.Errorf("%s shows a secret: ...%s", where, text[max(0, at-200):min(len(text), at+40)])
		}
	}
}
