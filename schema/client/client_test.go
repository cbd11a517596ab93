package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rdip/internal/fault"
	"rdip/schema/client"
	"rdip/schema/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	v1      = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"}]}`
	v2      = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"city","type":"string","default":""}]}`
	bad     = `{"type":"record","name":"V","fields":[{"name":"id","type":"int"},{"name":"zip","type":"string"}]}`
	subject = "shop.public/orders-value"
)

// front stands before the embedded registry and may answer in its place; what it lets pass is real.
type front struct {
	*httptest.Server
	requests atomic.Int32
	inFlight atomic.Int32
	most     atomic.Int32
	instead  atomic.Pointer[http.HandlerFunc]
}

// answer makes f answer by h, or by the registry again when h is nil.
func (f *front) answer(h http.HandlerFunc) {
	if h == nil {
		f.instead.Store(nil)
		return
	}
	f.instead.Store(&h)
}

func (f *front) status(code int, header ...string) {
	f.answer(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error_code":%d,"message":"planted"}`, code)
	})
}

func newFront(t *testing.T) *front {
	t.Helper()
	r, err := registry.Open(filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	f := &front{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		f.requests.Add(1)
		n := f.inFlight.Add(1)
		defer f.inFlight.Add(-1)
		for most := f.most.Load(); n > most && !f.most.CompareAndSwap(most, n); most = f.most.Load() {
		}
		if h := f.instead.Load(); h != nil {
			(*h)(w, req)
			return
		}
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(func() {
		f.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func newClient(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	if c.MinBackoff == 0 {
		c.MinBackoff, c.MaxBackoff = time.Millisecond, 20*time.Millisecond
	}
	cl, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func TestSchemasAreRegisteredAndFoundAgain(t *testing.T) {
	ctx, f := t.Context(), newFront(t)
	c := newClient(t, client.Config{URLs: f.URL + "/"})
	first, err := c.Register(ctx, subject, v1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Register(ctx, subject, v2)
	if err != nil || second == first {
		t.Fatalf("%d after %d, %v", second, first, err)
	}
	if again, err := c.Register(ctx, subject, v1); again != first || err != nil {
		t.Errorf("registered again: %d %v", again, err)
	}
	if got, err := c.Lookup(ctx, subject, v1); err != nil || got != (client.Registered{Subject: subject, Version: 1, ID: first, Schema: v1}) {
		t.Errorf("Lookup: %+v %v", got, err)
	}
	if got, err := c.Latest(ctx, subject); err != nil || got.ID != second || got.Version != 2 {
		t.Errorf("Latest: %+v %v", got, err)
	}
	if got, err := c.SchemaByID(ctx, first); err != nil || got != v1 {
		t.Errorf("SchemaByID: %s %v", got, err)
	}
	if got, err := c.Compatible(ctx, subject, bad); err != nil || got.Compatible || len(got.Messages) == 0 {
		t.Errorf("Compatible: %+v %v", got, err)
	}
	if level, err := c.Level(ctx, subject); level != "BACKWARD" || err != nil {
		t.Errorf("Level: %v %v", level, err)
	}
	for schema, want := range map[string]bool{v1: true, " " + v1: true, v2: false} {
		if got, err := c.Holds(ctx, first, schema); got != want || err != nil {
			t.Errorf("Holds(%s): %v %v", schema, got, err)
		}
	}
	if got, err := c.Holds(ctx, 999, v1); got || err != nil {
		t.Errorf("Holds of an id that is not there: %v %v", got, err)
	}
}

func TestWhatIsNotThereIsToldApartFromAWrongPath(t *testing.T) {
	ctx, f := t.Context(), newFront(t)
	c := newClient(t, client.Config{URLs: f.URL})
	_, none := c.Latest(ctx, "none")
	_, noID := c.SchemaByID(ctx, 99)
	_, noSchema := c.Lookup(ctx, "none", v1)
	for name, err := range map[string]error{"subject": none, "id": noID, "schema": noSchema} {
		if !errors.Is(err, client.ErrNotFound) || !fault.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := newClient(t, client.Config{URLs: f.URL + "/registry"})
	_, err := wrong.Register(ctx, subject, v1)
	if errors.Is(err, client.ErrNotFound) || !fault.IsPermanent(err) || !strings.Contains(err.Error(), "check the path in schema.registry.url") {
		t.Errorf("wrong path: %v", err)
	}
}

// R2, R6
func TestARefusalAsIncompatibleHasBothSchemasAndSaysWhatDiffers(t *testing.T) {
	ctx, f := t.Context(), newFront(t)
	c := newClient(t, client.Config{URLs: f.URL})
	if _, err := c.Register(ctx, subject, v1); err != nil {
		t.Fatal(err)
	}
	_, err := c.Register(ctx, subject, bad)
	var e *client.IncompatibleError
	if !errors.As(err, &e) || !fault.IsPermanent(err) {
		t.Fatalf("%T %v", err, err)
	}
	if e.Subject != subject || e.Proposed != bad || e.Registered != v1 || e.Version != 1 || e.Level != "BACKWARD" || !strings.Contains(e.Message, "READER_FIELD_MISSING_DEFAULT_VALUE") {
		t.Errorf("%+v", e)
	}
	want := `register schema subject "shop.public/orders-value": not compatible (BACKWARD) with version 1: zip: added without a default, so earlier records cannot be read (fix: give new columns a default or allow NULL in the source; or, if no reader minds, accept it: ` +
		`curl -X PUT -H 'Content-Type: application/vnd.schemaregistry.v1+json' --data '{"compatibility":"NONE"}' '` + f.URL + `/config/shop.public%2Forders-value')`
	if err.Error() != want {
		t.Errorf("\ngot  %s\nwant %s", err, want)
	}
}

// R2
func TestUnderATransitiveLevelTheVersionInTheWayIsFound(t *testing.T) {
	ctx, f := t.Context(), newFront(t)
	c := newClient(t, client.Config{URLs: f.URL})
	for _, s := range []string{v1, v2, strings.Replace(v2, `,"default":""`, "", 1)} {
		if _, err := c.Register(ctx, subject, s); err != nil {
			t.Fatal(err)
		}
	}
	put(t, f.URL+"/config", `{"compatibility":"BACKWARD_TRANSITIVE"}`)
	_, err := c.Register(ctx, subject, strings.Replace(strings.Replace(v2, `,"default":""`, "", 1), `"int"`, `"long"`, 1))
	var e *client.IncompatibleError
	if !errors.As(err, &e) || e.Version != 1 || e.Registered != v1 || len(e.Differences) != 1 {
		t.Errorf("%v", err)
	}
}

func put(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

// R2
func TestALongRefusalIsNotPastedIntoTheError(t *testing.T) {
	ctx, f := t.Context(), newFront(t)
	c := newClient(t, client.Config{URLs: f.URL})
	record := func(typ string) string {
		var fields []string
		for i := range 200 {
			fields = append(fields, fmt.Sprintf(`{"name":"column_%03d","type":"%s"}`, i, typ))
		}
		return `{"type":"record","name":"V","fields":[` + strings.Join(fields, ",") + `]}`
	}
	if _, err := c.Register(ctx, subject, record("int")); err != nil {
		t.Fatal(err)
	}
	_, err := c.Register(ctx, subject, record("boolean"))
	var e *client.IncompatibleError
	if !errors.As(err, &e) || len(e.Differences) != 200 {
		t.Fatal(err)
	}
	if text := err.Error(); len(text) > 900 || !strings.Contains(text, "column_000: type changed from int to boolean") || !strings.Contains(text, "and 195 more") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

// R3
func TestAnInvalidSchemaIsRefusedForGoodInTheRegistrysWords(t *testing.T) {
	f := newFront(t)
	c := newClient(t, client.Config{URLs: f.URL})
	_, err := c.Register(t.Context(), subject, `{"type":"record","name":"1V","fields":[]}`)
	var s *client.StatusError
	if !errors.As(err, &s) || s.Status != 422 || s.Code != 42201 || !fault.IsPermanent(err) || f.requests.Load() != 1 {
		t.Fatalf("%v after %d requests", err, f.requests.Load())
	}
	if !strings.Contains(err.Error(), `subject "shop.public/orders-value"`) || !strings.Contains(err.Error(), `"1V"`) {
		t.Errorf("%v", err)
	}
}

// R1, R4
func TestAnAnswerIsPermanentOrPassingByItsStatus(t *testing.T) {
	for _, c := range []struct {
		status    int
		permanent bool
		hint      string
	}{
		{400, true, ""}, {401, true, "basic.auth.user.info"}, {403, true, `grant the registry's user read and write on subject "shop.public/orders-value"`},
		{413, true, "raise the request size"}, {415, true, ""}, {302, true, "redirected"}, {501, true, ""},
		{408, false, ""}, {429, false, ""}, {500, false, ""}, {502, false, ""}, {503, false, ""}, {504, false, ""},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			f := newFront(t)
			f.status(c.status, "Location", "/elsewhere")
			_, err := newClient(t, client.Config{URLs: f.URL, Attempts: 3}).Register(t.Context(), subject, v1)
			var s *client.StatusError
			if !errors.As(err, &s) || s.Status != c.status || s.Message != "planted" || fault.IsPermanent(err) != c.permanent {
				t.Errorf("%v", err)
			}
			if c.hint != "" && !strings.Contains(err.Error(), c.hint) {
				t.Errorf("no hint %q: %v", c.hint, err)
			}
			rounds := int32(3)
			if c.permanent {
				rounds = 1
			}
			if got := f.requests.Load(); got != rounds {
				t.Errorf("%d requests, want %d", got, rounds)
			}
		})
	}
}

// R1
func TestAConnectionThatBreaksOrStallsIsPassing(t *testing.T) {
	for name, c := range map[string]struct {
		fail http.HandlerFunc
		want string
	}{
		"cut before the answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"cut within the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"id":`)
		}, "unexpected EOF"},
		"silent": {func(_ http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body) // the server notices a client that leaves only after the body
			<-req.Context().Done()
		}, "no answer in 1s"},
		"a proxy's page with 200": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>soon</html>") }, "is not a schema registry's"},
		"an answer without id":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }, "the id 0"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			f.answer(c.fail)
			cl := newClient(t, client.Config{URLs: f.URL, Attempts: 2, Timeout: time.Second})
			_, err := cl.Register(t.Context(), subject, v1)
			if err == nil || fault.IsPermanent(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			f.answer(nil)
			if _, err := newClient(t, client.Config{URLs: f.URL}).Register(t.Context(), subject, v1); err != nil {
				t.Errorf("after it is mended: %v", err)
			}
		})
	}
}

// R1
func TestTheNextAddressIsAskedWhenOneIsAway(t *testing.T) {
	ctx, f, g := t.Context(), newFront(t), newFront(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	f.status(503)
	c := newClient(t, client.Config{URLs: gone.URL + " , " + f.URL + ", " + g.URL, Attempts: 1})
	if _, err := c.Register(ctx, subject, v1); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Register(ctx, subject, v2); err != nil {
		t.Fatal(err)
	}
	if f.requests.Load() != 1 || g.requests.Load() != 2 {
		t.Errorf("the one that is away was asked %d times, the one that answers %d", f.requests.Load(), g.requests.Load())
	}
}

func TestAtMostSixteenRequestsAreUnderWay(t *testing.T) {
	f := newFront(t)
	full, release := make(chan struct{}, 1), make(chan struct{})
	f.answer(func(w http.ResponseWriter, _ *http.Request) {
		if f.inFlight.Load() == client.MaxParallel {
			select {
			case full <- struct{}{}:
			default:
			}
		}
		<-release
		fmt.Fprint(w, `{"id":1}`)
	})
	c := newClient(t, client.Config{URLs: f.URL})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if _, err := c.Register(t.Context(), fmt.Sprint(i), v1); err != nil {
				t.Error(err)
			}
		})
	}
	<-full
	close(release)
	wg.Wait()
	if most := f.most.Load(); most != client.MaxParallel {
		t.Errorf("%d at once", most)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	f := newFront(t)
	f.status(503)
	ctx, cancel := context.WithCancel(t.Context())
	c := newClient(t, client.Config{URLs: f.URL, Attempts: 1 << 30, MinBackoff: time.Hour, MaxBackoff: time.Hour})
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := c.Register(ctx, subject, v1)
	var s *client.StatusError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &s) || fault.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}
