package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/internal/secret"
	"rdip/snapshot"
)

// notebook writes down what it was asked to do.
type notebook struct {
	mu      sync.Mutex
	asked   []string
	level   slog.Level
	changed time.Time
	err     error
}

func (n *notebook) note(words ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, strings.Join(words, " "))
	return n.err
}

func (n *notebook) Pause(name string) error  { return n.note("pause", name) }
func (n *notebook) Resume(name string) error { return n.note("resume", name) }
func (n *notebook) Stop(name string) error   { return n.note("stop", name) }
func (n *notebook) Snapshots(name string) (Snapshots, error) {
	return asking{n, name}, nil
}

func (n *notebook) Tables(name string) (Tables, error) { return asking{n, name}, nil }

// asking writes down what is asked of a connector's snapshots.
type asking struct {
	n    *notebook
	name string
}

func (a asking) AskSnapshot(_ context.Context, asked []snapshot.Asked, by string) error {
	return a.n.note(fmt.Sprint("snapshot ", a.name, " ", asked, " by ", by))
}

func (a asking) PauseSnapshot(t ...string) error {
	return a.n.note(fmt.Sprint("pause of ", a.name, " ", t))
}
func (a asking) ResumeSnapshot(t ...string) error {
	return a.n.note(fmt.Sprint("resume of ", a.name, " ", t))
}
func (a asking) StopSnapshot(t ...string) error {
	return a.n.note(fmt.Sprint("stop of ", a.name, " ", t))
}

func (a asking) ResumeTables(_ context.Context, tables []string, by string) (goOn, again []string, err error) {
	return tables[:1], tables[1:], a.n.note(fmt.Sprint("resume tables of ", a.name, " ", tables, " by ", by))
}

func (n *notebook) Restart(name string, onlyFailed bool) error {
	if onlyFailed {
		return n.note("restart", name, "if failed")
	}
	return n.note("restart", name)
}

func (n *notebook) Reload(context.Context) (Reloaded, error) {
	return Reloaded{Restarted: []string{"shop"}}, n.note("reload")
}

func (n *notebook) LogLevel() (slog.Level, time.Time) { return n.level, n.changed }
func (n *notebook) SetLogLevel(l slog.Level)          { n.level, n.changed = l, time.UnixMilli(7) }
func (n *notebook) ResetOffsets(name string) error    { return n.note("reset", name) }
func (n *notebook) SetOffset(name string, p json.RawMessage) error {
	return n.note("set", name, string(p))
}

func (n *notebook) Validate(class string, config map[string]string) (Validation, error) {
	password, reference := config["database.password"], "${env:PW}"
	return Validation{Name: class, ErrorCount: 1, Configs: []ConfigState{
		{Definition: ConfigKey{Name: "database.password"}, Value: ConfigValue{Name: "database.password", Value: &password, Errors: []string{"no"}}},
		{Definition: ConfigKey{Name: "database.sslpassword"}, Value: ConfigValue{Name: "database.sslpassword", Value: &reference}}}}, n.note("validate", class)
}

func change(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestChangesHaveConnectsPathsAndAnswers(t *testing.T) {
	n := &notebook{}
	s, base := start(t, Options{Runtime: fixed{shop()}, Control: n})
	for _, c := range []struct {
		method, path, body string
		code               int
		answer, asked      string
	}{
		{"PUT", "/connectors/shop/pause", "", 202, "", "pause shop"},
		{"PUT", "/connectors/shop/resume", "", 202, "", "resume shop"},
		{"PUT", "/connectors/shop/stop", "", 204, "", "stop shop"},
		{"POST", "/connectors/shop/restart", "", 204, "", "restart shop"},
		{"POST", "/connectors/shop/restart?includeTasks=true&onlyFailed=true", "", 202, `{"name":"shop","connector":{"state":"RUNNING","worker_id":"` + s.Addr().String() + `"}`, "restart shop if failed"},
		{"POST", "/connectors/shop/tasks/0/restart", "", 204, "", "restart shop"},
		{"POST", "/connectors/shop/tasks/7/restart", "", 404, "No status found for task shop-7", ""},
		{"DELETE", "/connectors/gone/offsets", "", 200, "reset successfully", "reset gone"},
		{"PATCH", "/connectors/shop/offsets", `{"offsets":[{"partition":{"server":"shop"},"offset":{"lsn":7}}]}`, 200, "altered successfully", `set shop {"lsn":7}`},
		{"PATCH", "/connectors/shop/offsets", `{"offsets":[{"partition":{"server":"shop"},"offset":null}]}`, 200, "altered successfully", "reset shop"},
		{"PATCH", "/connectors/shop/offsets", `{"offsets":[{"partition":{"server":"other"},"offset":{}}]}`, 400, `{\"server\":\"shop\"}`, ""},
		{"PATCH", "/connectors/shop/offsets", `{"offsets"`, 400, "not what is needed", ""},
		{"POST", "/connectors/shop/snapshots", `{"tables":["public.a"],"where":"id > 7","by":"me"}`, 202, "", "snapshot shop [{public.a id > 7 [] false false}] by me"},
		{"POST", "/connectors/shop/snapshots", `{"tables":["public.a"],"keys":[["1","x"],["2","y"]]}`, 202, "", "snapshot shop [{public.a  [[1 x] [2 y]] false false}] by the REST API"},
		{"POST", "/connectors/shop/snapshots", `{"tables":[]}`, 400, "no table is named", ""},
		{"POST", "/connectors/shop/snapshots", `{"tables":["a"],"where":"x","keys":[["1"]]}`, 400, "cannot be asked for together", ""},
		{"POST", "/connectors/shop/snapshots", `{"tables":["a","b"],"keys":[["1"]]}`, 400, "keys are of one table", ""},
		{"POST", "/connectors/shop/snapshots", `{"tables":`, 400, "not what is needed", ""},
		{"POST", "/connectors/nobody/snapshots", `{"tables":["a"]}`, 404, "Connector nobody not found", ""},
		{"PUT", "/connectors/shop/snapshots/pause", `{"tables":["a","b"]}`, 202, "", "pause of shop [a b]"},
		{"PUT", "/connectors/shop/snapshots/resume", `{}`, 202, "", "resume of shop []"},
		{"PUT", "/connectors/shop/snapshots/stop", `{"where":"x"}`, 400, "POST", ""},
		{"PUT", "/connectors/shop/snapshots/stop", `{"tables":["a"]}`, 202, "", "stop of shop [a]"},
		{"GET", "/connectors/shop/snapshots", "", 200, "[]", ""},
		{"PUT", "/connectors/shop/tables/resume", `{"tables":["a","b"]}`, 200, `{"go_on":["a"],"again":["b"]}`, "resume tables of shop [a b] by the REST API"},
		{"PUT", "/connectors/shop/tables/resume", `{"tables":["a"],"by":"me"}`, 200, `{"go_on":["a"],"again":[]}`, "resume tables of shop [a] by me"},
		{"PUT", "/connectors/shop/tables/resume", `{}`, 400, "no table is named", ""},
		{"PUT", "/connectors/shop/tables/resume", `{"tables"`, 400, "not what is needed", ""},
		{"PUT", "/connectors/nobody/tables/resume", `{"tables":["a"]}`, 404, "Connector nobody not found", ""},
		{"PUT", "/admin/reload", "", 200, `{"unchanged":[],"restarted":["shop"],"started":[],"removed":[]}`, "reload"},
		{"PUT", "/admin/loggers/root", `{"level":"warn"}`, 200, `["root"]`, ""},
		{"GET", "/admin/loggers/root", "", 200, `{"level":"WARN","last_modified":7}`, ""},
		{"GET", "/admin/loggers", "", 200, `{"root":{"level":"WARN","last_modified":7}}`, ""},
		{"PUT", "/admin/loggers/org.apache", `{"level":"warn"}`, 404, "the one logger is root", ""},
		{"PUT", "/admin/loggers/root", `{"level":"loud"}`, 404, "loud", ""},
		{"PUT", "/connector-plugins/postgres/config/validate", `{"database.password":"canary"}`, 200, `"value":"` + mask + `"`, "validate postgres"},
		{"PUT", "/connectors/nobody/pause", "", 404, "Connector nobody not found", ""},
		{"GET", "/connectors/shop/pause", "", 405, "edit it, then rdip reload", ""},
	} {
		n.asked = nil
		code, text := change(t, c.method, base+c.path, c.body, CSRFHeader, "a test")
		if got := strings.Join(n.asked, ", "); code != c.code || !strings.Contains(text, c.answer) || got != c.asked {
			t.Errorf("%s %s: %d %s, asked for %q; want %d with %s, and %q", c.method, c.path, code, text, got, c.code, c.answer, c.asked)
		}
		if strings.Contains(text, "canary") {
			t.Errorf("a secret is shown: %s", text)
		}
	}
}

func TestAChangeThatIsRefusedSaysWhyWithACodeOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{&ErrorMessage{409, "busy"}, 409},
		{&fault.Error{Kind: fault.Configuration, Op: "read", Cause: errors.New("line 7")}, 400},
		{fault.Findings{{Kind: fault.Configuration, Where: "f:1", Seen: "line 7"}, {Kind: fault.Configuration, Where: "f:2", Seen: "line 8"}}.Err(), 400},
		{errors.New("the disk is full"), 500},
	} {
		_, base := start(t, Options{Runtime: fixed{shop()}, Control: &notebook{err: c.err}})
		code, text := change(t, "PUT", base+"/admin/reload", "", "Content-Type", "application/json; charset=utf-8")
		var m ErrorMessage
		if err := json.Unmarshal([]byte(text), &m); err != nil || code != c.code || m.ErrorCode != c.code || m.Message != c.err.Error() {
			t.Errorf("%v: %d %s", c.err, code, text)
		}
	}
}

// A page in a browser can send neither a header of its own nor JSON to another origin without a preflight, and
// whoever does not show the token changes nothing; reading needs neither.
func TestAChangeNeedsWhatAPageInABrowserCannotSendAndTheToken(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	for name, c := range map[string]struct {
		token   string
		headers []string
		code    int
	}{
		"nothing":                     {"", nil, 403},
		"a form":                      {"", []string{"Content-Type", "application/x-www-form-urlencoded"}, 403},
		"text that says it is JSON":   {"", []string{"Content-Type", "text/plain; application/json"}, 403},
		"JSON":                        {"", []string{"Content-Type", "application/json"}, 202},
		"the header":                  {"", []string{CSRFHeader, "x"}, 202},
		"JSON from a page":            {"", []string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, 403},
		"JSON of another origin":      {"", []string{"Content-Type", "application/json", "Origin", "https://attacker.example"}, 403},
		"no token":                    {token, []string{CSRFHeader, "x"}, 401},
		"a wrong token":               {token, []string{CSRFHeader, "x", "Authorization", "Bearer " + token + "0"}, 401},
		"the token, but not as one":   {token, []string{CSRFHeader, "x", "Authorization", "Basic " + token}, 401},
		"the token":                   {token, []string{CSRFHeader, "x", "Authorization", "Bearer " + token}, 202},
		"the token, without a header": {token, []string{"Authorization", "Bearer " + token}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			n := &notebook{}
			_, base := start(t, Options{Runtime: fixed{shop()}, Control: n, Token: secret.New(c.token)})
			if code, text := change(t, "PUT", base+"/connectors/shop/pause", "", c.headers...); code != c.code || (code == 202) != (len(n.asked) == 1) {
				t.Errorf("%d %s, asked for %v; want %d", code, text, n.asked, c.code)
			}
			if code, _ := get(t, base+"/connectors/shop/status"); code != 200 {
				t.Errorf("reading: %d", code)
			}
		})
	}
}

// A connector that was stopped is shown as Connect shows it: without tasks, and healthy.
func TestAStoppedConnectorHasNoTasksAndIsHealthy(t *testing.T) {
	stopped := Connector{Name: "shop", Type: "source", State: Stopped}
	s, base := start(t, Options{Runtime: fixed{stopped}})
	if code, text := get(t, base+"/connectors/shop/status"); code != 200 || !strings.HasPrefix(text, `{"name":"shop","connector":{"state":"STOPPED","worker_id":"`+s.Addr().String()+`"},"tasks":[],"type":"source"`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := get(t, base+"/health/ready"); code != 200 {
		t.Errorf("%d %s", code, text)
	}
}
