package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leftovers is what a pipeline has on its server, by kind.
func (p *pipeline) leftovers(t *testing.T) string {
	t.Helper()
	return p.query(t, fmt.Sprintf(`SELECT (SELECT count(*) FROM pg_replication_slots WHERE slot_name = '%[1]s') || ' ' ||
		(SELECT count(*) FROM pg_publication WHERE pubname = '%[1]s') || ' ' || (SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'rdip%%')`, p.prefix))
}

func (p *pipeline) hasTopic(t *testing.T) bool {
	t.Helper()
	_, _, ok, err := p.kafka.Topic(p.prefix + ".public.items")
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// rdip drop refuses what runs, shows what it would do, does nothing without a yes, leaves nothing behind but the
// topics, can be done again, and the topics go when asked for.
func TestDropRemovesSlotPublicationEventTriggerAndStateAfterAskingAndNoTopicUnlessAsked(t *testing.T) {
	p := itemsPipeline(t, 18).configured("connectors.shop.ddl.capture", "true")
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	if out := p.rdip(t, exitConfiguration, p.flags(t, d, "drop", "shop", "--yes")...); !strings.Contains(out, "it is RUNNING") || !strings.Contains(out, "rdip stop shop") {
		t.Errorf("rdip drop of a connector that runs: %s", out)
	}
	p.rdip(t, exitDone, p.flags(t, d, "pause", "shop")...)
	out := p.rdip(t, exitConfiguration, p.flags(t, d, "drop", "shop")...) // nobody answers
	for _, word := range []string{`remove  slot "` + p.prefix, `remove  publication "` + p.prefix, "remove  the event trigger", "remove  the stored position", "keep    its topics", "not confirmed"} {
		if !strings.Contains(out, word) {
			t.Errorf("%q is not in what was said:\n%s", word, out)
		}
	}
	if got := p.leftovers(t); got != "1 1 3" {
		t.Errorf("without a yes, left are slot, publication and event triggers: %s", got)
	}
	p.rdip(t, exitDone, p.flags(t, d, "drop", "shop", "--yes")...)
	if got := p.leftovers(t); got != "0 0 0" {
		t.Errorf("left are slot, publication and event triggers: %s", got)
	}
	if _, body := d.get(t, "/connectors/shop/offsets"); !strings.Contains(body, `"offsets":[]`) {
		t.Errorf("the position is still stored: %s", body)
	}
	if !p.hasTopic(t) {
		t.Error("the topic was deleted, and nobody asked for it")
	}
	if out := p.rdip(t, exitDone, p.flags(t, d, "drop", "shop", "--yes")...); !strings.Contains(out, "nothing is left") {
		t.Errorf("rdip drop again: %s", out)
	}
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	p.rdip(t, exitDone, "drop", "shop", "--yes", "--topics", "--config", p.configFile())
	eventually(t, "the topic to be gone", func() bool { return !p.hasTopic(t) })

	// Started again, it is a first start.
	p.start(t).waitFor(t, "rdip started") // stopped it stays
}

// A drop that was cut off after the slot is done again; and a publication that rdip did not make stays.
func TestDropIsDoneAgainAndLeavesAPublicationThatOthersMade(t *testing.T) {
	p := itemsPipeline(t, 17).configured("connectors.shop.publication.autocreate.mode", "disabled")
	p.exec(t, fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE items", p.prefix))
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	p.exec(t, fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", p.prefix))
	out := p.rdip(t, exitDone, "drop", "shop", "--yes", "--config", p.configFile())
	if !strings.Contains(out, "remove  the stored position") || !strings.Contains(out, "keep    publication") || strings.Contains(out, "remove  slot") {
		t.Errorf("rdip drop: %s", out)
	}
	if got := p.leftovers(t); got != "0 1 0" {
		t.Errorf("left are slot, publication and event triggers: %s", got)
	}
	p.exec(t, fmt.Sprintf("DROP PUBLICATION %s", p.prefix))
	p.configured("connectors.shop.publication.autocreate.mode", "filtered").streaming(t)
}

// After a reset the slot goes too when asked for, and the next start is a first one.
func TestAResetDropsTheSlotWhenAskedForAndTheNextStartIsAFirstOne(t *testing.T) {
	p := itemsPipeline(t, 16)
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if out := p.rdip(t, exitDone, "offsets", "reset", "shop", "--yes", "--drop-slot", "--config", p.configFile()); !strings.Contains(out, "dropped") {
		t.Errorf("rdip offsets reset: %s", out)
	}
	if left := p.slot(t, "slot_name"); left != "" {
		t.Errorf("slot %s is left", left)
	}
	p.streaming(t)
	p.mustHold(t, 0, true)
}

// The API changes nothing for a page in a browser, nor without the token where one is configured; a position is
// changed in Connect's form and only of a connector that is stopped; connectors are made in the file only.
func TestTheAPITakesChangesFromWhoMayAndInConnectsForm(t *testing.T) {
	p := itemsPipeline(t, 18)
	token := strings.Repeat("0123456789abcdef", 4)
	p = p.configured("rest.token.file", secretFile(t, token+"\n"))
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	ask := func(method, path, body string, headers ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, d.rest(t)+path, bytes.NewBufferString(body))
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
		var b bytes.Buffer
		_, _ = b.ReadFrom(answer.Body)
		return answer.StatusCode, b.String()
	}
	may := []string{"Content-Type", "application/json", "Authorization", "Bearer " + token}
	offset := fmt.Sprintf(`{"offsets":[{"partition":{"server":%q},"offset":{"lsn":"0/1"}}]}`, p.prefix)
	for _, c := range []struct {
		method, path, body string
		headers            []string
		code               int
		says               string
	}{
		{"PUT", "/connectors/shop/pause", "", nil, 403, "X-Requested-By"},
		{"POST", "/connectors/shop/restart", "a=b", []string{"Content-Type", "text/plain"}, 403, "X-Requested-By"},
		{"PUT", "/connectors/shop/pause", "", []string{"Content-Type", "application/json"}, 401, "rest.token.file"},
		{"PUT", "/connectors/shop/pause", "", []string{"X-Requested-By", "me", "Authorization", "Bearer " + token[1:]}, 401, "rest.token.file"},
		{"PUT", "/connectors/shop/pause", "", append([]string{"Origin", "https://attacker.example"}, may...), 403, "Origin"},
		{"POST", "/connectors", `{"name":"x","config":{}}`, may, 405, "rdip reload"},
		{"PUT", "/connectors/shop/config", `{}`, may, 405, "rdip reload"},
		{"DELETE", "/connectors/shop", "", may, 405, "rdip reload"},
		{"DELETE", "/connectors/shop/offsets", "", may, 400, "must be in the STOPPED state"},
		{"PATCH", "/connectors/shop/offsets", offset, may, 400, "must be in the STOPPED state"},
		{"PUT", "/connectors/nobody/pause", "", may, 404, "not found"},
		{"PUT", "/admin/loggers/root", `{"level":"LOUD"}`, may, 404, "LOUD"},
	} {
		if code, text := ask(c.method, c.path, c.body, c.headers...); code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s %s: %d %s; want %d with %q", c.method, c.path, code, text, c.code, c.says)
		}
	}
	p.rdip(t, exitConfiguration, "pause", "shop", "--url", d.rest(t)) // without the configuration there is no token
	p.rdip(t, exitDone, p.flags(t, d, "stop", "shop")...)
	confirmed := p.slot(t, "confirmed_flush_lsn")
	set := strings.Replace(offset, "0/1", confirmed, 1)
	if code, text := ask("PATCH", "/connectors/shop/offsets", set, may...); code != 200 || !strings.Contains(text, "altered successfully") {
		t.Errorf("PATCH: %d %s", code, text)
	}
	if _, text := ask("GET", "/connectors/shop/offsets", ""); !strings.Contains(text, confirmed) {
		t.Errorf("the position was set to %s and is %s", confirmed, text)
	}
	p.rdip(t, exitDone, p.flags(t, d, "resume", "shop")...)
	p.insert(t, 1, 3)
	p.mustHold(t, 3, true)

	code, text := ask("PUT", "/connector-plugins/postgres/config/validate", `{"name":"x","topic.prefix":"a b","database.port":"port","database.password":"canary","no.such":"1"}`, may...)
	for _, word := range []string{`"error_count":`, "database.hostname", "no.such", "letters, digits"} {
		if code != 200 || !strings.Contains(text, word) {
			t.Errorf("validate: %d, without %s: %s", code, word, text)
		}
	}
	if strings.Contains(text, "canary") {
		t.Error("the answer shows the password")
	}
}

// secretFile holds a text that only its owner may read.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
