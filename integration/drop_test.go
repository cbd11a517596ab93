package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rdip/integration/harness"
)

// leftovers is what a pipeline has on its server, by kind.
func leftovers(p *harness.Pipeline, t *testing.T) string {
	t.Helper()
	return p.Query(t, fmt.Sprintf(`SELECT (SELECT count(*) FROM pg_replication_slots WHERE slot_name = '%[1]s') || ' ' ||
		(SELECT count(*) FROM pg_publication WHERE pubname = '%[1]s') || ' ' || (SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'rdip%%')`, p.Prefix))
}

func hasTopic(p *harness.Pipeline, t *testing.T) bool {
	t.Helper()
	_, _, ok, err := p.Kafka.Topic(p.Prefix + ".public.items")
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// rdip drop refuses what runs, shows what it would do, does nothing without a yes, leaves nothing behind but the
// topics, can be done again, and the topics go when asked for.
func TestDropRemovesSlotPublicationEventTriggerAndStateAfterAskingAndNoTopicUnlessAsked(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.ddl.capture", "true")
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	if out := p.Command(t, harness.ExitConfiguration, flags(p, t, d, "drop", "shop", "--yes")...); !strings.Contains(out, "it is RUNNING") || !strings.Contains(out, "rdip stop shop") {
		t.Errorf("rdip drop of a connector that runs: %s", out)
	}
	p.Command(t, harness.ExitDone, flags(p, t, d, "pause", "shop")...)
	out := p.Command(t, harness.ExitConfiguration, flags(p, t, d, "drop", "shop")...) // nobody answers
	for _, word := range []string{`remove  slot "` + p.Prefix, `remove  publication "` + p.Prefix, "remove  the event trigger", "remove  the stored position", "keep    its topics", "not confirmed"} {
		if !strings.Contains(out, word) {
			t.Errorf("%q is not in what was said:\n%s", word, out)
		}
	}
	if got := leftovers(p, t); got != "1 1 3" {
		t.Errorf("without a yes, left are slot, publication and event triggers: %s", got)
	}
	p.Command(t, harness.ExitDone, flags(p, t, d, "drop", "shop", "--yes")...)
	if got := leftovers(p, t); got != "0 0 0" {
		t.Errorf("left are slot, publication and event triggers: %s", got)
	}
	if _, body := d.Get(t, "/connectors/shop/offsets"); !strings.Contains(body, `"offsets":[]`) {
		t.Errorf("the position is still stored: %s", body)
	}
	if !hasTopic(p, t) {
		t.Error("the topic was deleted, and nobody asked for it")
	}
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "drop", "shop", "--yes")...); !strings.Contains(out, "nothing is left") {
		t.Errorf("rdip drop again: %s", out)
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	p.Command(t, harness.ExitDone, "drop", "shop", "--yes", "--topics", "--config", p.ConfigFile())
	harness.Eventually(t, "the topic to be gone", func() bool { return !hasTopic(p, t) })

	// Started again, it is a first start.
	p.Start(t).WaitFor(t, "rdip started") // stopped it stays
}

// A drop that was cut off after the slot is done again; and a publication that rdip did not make stays.
func TestDropIsDoneAgainAndLeavesAPublicationThatOthersMade(t *testing.T) {
	p := harness.ItemsPipeline(t, 17).Configured("connectors.shop.publication.autocreate.mode", "disabled")
	p.Exec(t, fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE items", p.Prefix))
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	p.Exec(t, fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", p.Prefix))
	out := p.Command(t, harness.ExitDone, "drop", "shop", "--yes", "--config", p.ConfigFile())
	if !strings.Contains(out, "remove  the stored position") || !strings.Contains(out, "keep    publication") || strings.Contains(out, "remove  slot") {
		t.Errorf("rdip drop: %s", out)
	}
	if got := leftovers(p, t); got != "0 1 0" {
		t.Errorf("left are slot, publication and event triggers: %s", got)
	}
	p.Exec(t, fmt.Sprintf("DROP PUBLICATION %s", p.Prefix))
	p.Configured("connectors.shop.publication.autocreate.mode", "filtered").Streaming(t)
}

// After a reset the slot goes too when asked for, and the next start is a first one.
func TestAResetDropsTheSlotWhenAskedForAndTheNextStartIsAFirstOne(t *testing.T) {
	p := harness.ItemsPipeline(t, 16)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	if out := p.Command(t, harness.ExitDone, "offsets", "reset", "shop", "--yes", "--drop-slot", "--config", p.ConfigFile()); !strings.Contains(out, "is gone") {
		t.Errorf("rdip offsets reset: %s", out)
	}
	if left := p.Slot(t, "slot_name"); left != "" {
		t.Errorf("slot %s is left", left)
	}
	p.Streaming(t)
	p.MustHold(t, 0, true)
}

// The API changes nothing for a page in a browser, nor without the token where one is configured; a position is
// changed in Connect's form and only of a connector that is stopped; connectors are made in the file only.
func TestTheAPITakesChangesFromWhoMayAndInConnectsForm(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	token := strings.Repeat("0123456789abcdef", 4)
	p = p.Configured("rest.token.file", secretFile(t, token+"\n"))
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	ask := func(method, path, body string, headers ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, d.REST(t)+path, bytes.NewBufferString(body))
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
	offset := fmt.Sprintf(`{"offsets":[{"partition":{"server":%q},"offset":{"lsn":"0/1"}}]}`, p.Prefix)
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
	p.Command(t, harness.ExitConfiguration, "pause", "shop", "--url", d.REST(t)) // without the configuration there is no token
	p.Command(t, harness.ExitDone, flags(p, t, d, "stop", "shop")...)
	confirmed := p.Slot(t, "confirmed_flush_lsn")
	set := strings.Replace(offset, "0/1", confirmed, 1)
	if code, text := ask("PATCH", "/connectors/shop/offsets", set, may...); code != 200 || !strings.Contains(text, "altered successfully") {
		t.Errorf("PATCH: %d %s", code, text)
	}
	if _, text := ask("GET", "/connectors/shop/offsets", ""); !strings.Contains(text, confirmed) {
		t.Errorf("the position was set to %s and is %s", confirmed, text)
	}
	p.Command(t, harness.ExitDone, flags(p, t, d, "resume", "shop")...)
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, true)

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
