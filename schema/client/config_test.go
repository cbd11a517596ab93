package client_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/internal/secret"
	"rdip/schema/client"
)

const canary = "c4n4ry-p4ss"

func TestConfigurationThatCannotWorkIsRefusedWithItsFix(t *testing.T) {
	for name, c := range map[string]struct {
		config client.Config
		want   []string
	}{
		"no address":                 {client.Config{URLs: " , "}, []string{"schema.registry.url", "empty", "http://localhost:8081"}},
		"no scheme":                  {client.Config{URLs: "registry:8081"}, []string{"schema.registry.url", "http or https"}},
		"no URL":                     {client.Config{URLs: "http://u:" + canary + "@[::1"}, []string{"not a URL"}},
		"plaintext over a network":   {client.Config{URLs: "http://u:" + canary + "@registry.example:8081"}, []string{"http://registry.example:8081 is plaintext", "https://registry.example:8081"}},
		"all that is wrong, at once": {client.Config{URLs: "ftp://a,http://b"}, []string{`scheme "ftp"`, "http://b is plaintext"}},
		"two ways to authenticate":   {client.Config{URLs: "http://localhost", UserInfo: secret.New("u:" + canary), BearerToken: secret.New(canary)}, []string{"basic.auth.user.info", "bearer"}},
		"a user without a password":  {client.Config{URLs: "http://localhost", UserInfo: secret.New(canary)}, []string{"no colon", "USER:PASSWORD"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.New(c.config)
			if err == nil {
				t.Fatal("taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
			if !fault.IsPermanent(err) && !strings.Contains(name, "at once") || strings.Contains(err.Error(), canary) {
				t.Errorf("permanent %v: %v", fault.IsPermanent(err), err)
			}
		})
	}
	for _, urls := range []string{"http://localhost:8081", "http://127.0.0.1:8081/apis/ccompat/v7/", "https://registry.example, https://other.example", "http://[::1]:1"} {
		if _, err := client.New(client.Config{URLs: urls}); err != nil {
			t.Errorf("%s: %v", urls, err)
		}
	}
	if _, err := client.New(client.Config{URLs: "http://registry.example", AllowPlaintext: true}); err != nil {
		t.Error(err)
	}
}

func TestCredentialsReachTheRegistry(t *testing.T) {
	f := newFront(t)
	var got string
	f.answer(func(w http.ResponseWriter, req *http.Request) {
		got = req.Header.Get("Authorization")
		fmt.Fprint(w, `{"id":1}`)
	})
	withUser := strings.Replace(f.URL, "://", "://in%40url:"+canary+"@", 1)
	for want, c := range map[string]client.Config{
		"":                               {URLs: f.URL},
		"Basic dTpwOnA=":                 {URLs: f.URL, UserInfo: secret.New("u:p:p")},
		"Bearer tok":                     {URLs: f.URL, BearerToken: secret.New("tok")},
		"Basic aW5AdXJsOmM0bjRyeS1wNHNz": {URLs: withUser},
		"Basic dTpw":                     {URLs: withUser, UserInfo: secret.New("u:p")},
	} {
		if _, err := newClient(t, c).Register(t.Context(), subject, v1); err != nil || got != want {
			t.Errorf("sent %q, want %q (%v)", got, want, err)
		}
	}
}

func TestNoSecretIsPrintedAnywhere(t *testing.T) {
	f := newFront(t)
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, c := range []client.Config{
		{URLs: strings.Replace(f.URL, "://", "://user:"+canary+"@", 1), Attempts: 1, Timeout: time.Second},
		{URLs: f.URL, UserInfo: secret.New("user:" + canary), Attempts: 1, Timeout: time.Second},
		{URLs: f.URL, BearerToken: secret.New(canary), Attempts: 1, Timeout: time.Second},
		{URLs: "http://user:" + canary + "@127.0.0.1:1", Attempts: 1, Timeout: time.Second},
	} {
		cl := newClient(t, c)
		holder := struct{ hidden client.Config }{c}
		holder.hidden.URLs = "" // a text in an unexported field is fmt's to print; Secret is not
		fmt.Fprintf(&out, "%v %+v %#v %s %q %d %+v %#v %+v %#v\n", c, c, c, c, c, c, cl, cl, holder, &holder)
		text, err := json.Marshal(map[string]any{"config": c, "user": c.UserInfo})
		fmt.Fprintf(&out, "%s %v\n", text, err)
		logger.Debug("config", "config", c, "secret", c.BearerToken, "client", fmt.Sprint(cl))
		for _, status := range []int{401, 403, 409, 422, 429, 500} {
			f.status(status)
			_, err := cl.Register(t.Context(), subject, v1)
			fmt.Fprintf(&out, "%v %+v %#v\n", err, err, cl.Check(t.Context()))
			logger.Debug("failed", "err", err)
		}
	}
	for _, secret := range []string{canary, "dXNlcjpjNG40cnktcDRzcw=="} {
		if at := strings.Index(out.String(), secret); at >= 0 {
			t.Errorf("printed: ...%s", out.String()[max(at-200, 0):at+len(secret)])
		}
	}
}

func TestTheRegistrysCertificateIsVerified(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":1}`) }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	for name, c := range map[string]struct {
		config client.Config
		want   string
	}{
		"an unknown authority": {client.Config{URLs: s.URL}, "schema.registry.ssl.truststore.location"},
		"another host":         {client.Config{URLs: s.URL, TLS: &tls.Config{RootCAs: roots, ServerName: "other.invalid"}}, "valid for the host"},
		"plaintext to TLS":     {client.Config{URLs: strings.Replace(s.URL, "https", "http", 1)}, "400"},
		"all is well":          {client.Config{URLs: s.URL, TLS: &tls.Config{RootCAs: roots}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, c.config).Register(t.Context(), subject, v1)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !fault.IsPermanent(err)) {
				t.Errorf("%v", err)
			}
		})
	}
	f := newFront(t)
	_, err := newClient(t, client.Config{URLs: strings.Replace(f.URL, "http", "https", 1)}).Register(t.Context(), subject, v1)
	if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("TLS to plaintext: %v", err)
	}
}

func TestTheCheckNamesEachAddressThatIsNoRegistry(t *testing.T) {
	f, gone := newFront(t), httptest.NewServer(nil)
	gone.Close()
	check := func(urls string) []fault.Finding { return newClient(t, client.Config{URLs: urls}).Check(t.Context()) }
	if found := check(f.URL); len(found) != 0 {
		t.Errorf("a registry: %v", found)
	}
	if found := check(gone.URL); len(found) != 1 || found[0].Severity != fault.Fatal || !strings.Contains(found[0].String(), gone.URL) || !strings.Contains(found[0].Fix, "start the registry") {
		t.Errorf("nothing there: %v", found)
	}
	if found := check(gone.URL + "," + f.URL); len(found) != 1 || found[0].Severity != fault.Warning {
		t.Errorf("one of two: %v", found)
	}
	f.status(401)
	if found := check(f.URL); len(found) != 1 || found[0].Severity != fault.Fatal || !strings.Contains(found[0].Fix, "basic.auth.user.info") {
		t.Errorf("401: %v", found)
	}
	f.answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `["JSON","PROTOBUF"]`) })
	if found := check(f.URL); len(found) != 1 || !strings.Contains(found[0].Seen, "needed is AVRO") {
		t.Errorf("no Avro: %v", found)
	}
}
