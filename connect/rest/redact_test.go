package rest

import (
	"strings"
	"testing"
)

// A secret that the runtime handed over by mistake is masked still, on every path that shows a configuration.
func TestNoPathShowsASecretOfTheConfiguration(t *testing.T) {
	c := shop()
	c.Config = map[string]string{}
	for i, key := range []string{
		"database.password", "DATABASE.PASSWORD", "ssl.key.password", "ssl.keystore.key", "database.sslkey", "sasl.jaas.config",
		"schema.registry.basic.auth.user.info", "producer.override.sasl.jaas.config", "client.secret", "oauth.token", "aws.credentials", "some.api.key",
	} {
		c.Config[key] = canary + strings.Repeat("!", i)
	}
	c.Config["schema.registry.url"] = "http://plain:8081, https://user:" + canary + "@registry:8081/x?a=b"
	c.Config["database.url"] = "postgres://rdip:" + canary + "#/@db/shop"
	c.Config["database.dsn"] = "host=db password=" + canary + " user=rdip"
	c.Config["other.dsn"] = "host=db Password = '" + canary + " with spaces' user=rdip"
	_, base := start(t, Options{Runtime: fixed{c}})
	for _, path := range []string{"/connectors/shop", "/connectors/shop/config", "/connectors/shop/tasks", "/connectors?expand=info&expand=status",
		"/connectors/shop/status", "/health", "/metrics"} {
		if _, body := get(t, base+path); strings.Contains(body, canary) {
			t.Errorf("%s shows a secret: %s", path, body)
		}
	}
}

func TestWhatIsNoSecretIsShown(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"database.password", "${file:/etc/rdip/shop.password}", "${file:/etc/rdip/shop.password}"},
		{"database.password", "${env:SHOP_PASSWORD}", "${env:SHOP_PASSWORD}"},
		{"database.password", "${env:A}${env:B}", mask},
		{"database.password", "", ""},
		{"database.hostname", "db.example.com", "db.example.com"},
		{"topic.prefix", "shop", "shop"},
		{"message.key.columns", "public.a:id", "public.a:id"},
		{"table.include.list", "public.token_log", "public.token_log"},
		{"schema.registry.url", "http://a:8081,http://b:8081", "http://a:8081,http://b:8081"},
		{"schema.registry.url", "http://user:x@a:8081,http://b:8081", "http://user:" + mask + "@a:8081,http://b:8081"},
		{"table.include.list", `public\..*,[a-z]%`, `public\..*,[a-z]%`},
	} {
		if got := redactValue(c.key, c.value); got != c.want {
			t.Errorf("%s=%s is shown as %s", c.key, c.value, got)
		}
	}
}
