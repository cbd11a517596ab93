package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/internal/secret"
	"rdip/schema/client"
)

// proxy answers every request with the same bytes.
type proxy struct {
	status int
	after  string // Retry-After
	body   []byte
}

func (p proxy) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: p.status, Header: http.Header{"Retry-After": {p.after}}, Request: req,
		Body: io.NopCloser(bytes.NewReader(p.body))}, nil
}

// longestText is more than the text of any error should have, in bytes: a proxy's page is not in it.
const longestText = 4 << 10

// FuzzAnswer: whatever stands where the registry should (a proxy's page, another service, a registry of another time),
// an id that is taken is positive, a refusal is a fault whose text is short and shows
// no credential (R1 to R4).
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{"id":7}`}, {200, `{"id":-1}`}, {200, `{"id":1e300}`}, {200, `<html><body>Sign in</body></html>`}, {200, ``}, {200, `[]`}, {200, `{"id":"7"}`},
		{200, `{"subject":"a","version":1,"id":3,"schema":"\"int\""}`}, {200, `{"is_compatible":false,"messages":["a"]}`}, {200, `{"compatibilityLevel":"BACKWARD"}`},
		{409, `{"error_code":409,"message":"Schema being registered is incompatible"}`}, {422, `{"error_code":42201,"message":"Input schema is an invalid Avro schema"}`},
		{401, `{"error_code":401,"message":"Unauthorized"}`}, {403, ``}, {404, `{"error_code":40401,"message":"Subject not found"}`}, {404, `not here`},
		{429, `slow down`}, {500, `{"error_code":50001,"message":"` + strings.Repeat("x", 500) + `"}`}, {302, ``}, {204, ``},
	} {
		f.Add(seed.status, "2", []byte(seed.body))
	}
	const canary = "c4n4ry-of-the-registry"
	f.Fuzz(func(t *testing.T, status int, after string, body []byte) {
		c, err := client.New(client.Config{URLs: "http://127.0.0.1:1", UserInfo: secret.New("user:" + canary), Attempts: 1,
			MinBackoff: time.Nanosecond, MaxBackoff: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		client.Through(c, proxy{status, after, body})
		ctx := t.Context()
		id, err := c.Register(ctx, subject, v1)
		if err == nil && (id <= 0 || status != http.StatusOK) {
			t.Fatalf("id %d of %d %q", id, status, body)
		}
		faults := []error{err}
		_, err = c.Lookup(ctx, subject, v1)
		faults = append(faults, err)
		_, err = c.SchemaByID(ctx, 7)
		faults = append(faults, err)
		_, err = c.Compatible(ctx, subject, v1)
		faults = append(faults, err)
		_, err = c.Level(ctx, subject)
		faults = append(faults, err)
		for _, err := range faults {
			var e *fault.Error
			switch {
			case err == nil:
			case !errors.As(err, &e):
				t.Fatalf("%v is no fault", err)
			case strings.Contains(err.Error(), canary) && !bytes.Contains(body, []byte(canary)):
				t.Fatalf("%v shows a credential", err)
			case len(err.Error()) > longestText:
				t.Fatalf("a text of %d bytes: %.200s", len(err.Error()), err)
			}
		}
	})
}
