package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// rdip check warns of a slot that looks like rdip's and that nobody reads, and says what is free.
func TestACheckWarnsOfASlotThatNobodyReads(t *testing.T) { // P68
	p := harness.ItemsPipeline(t, 18)
	orphan := "rdip_" + strings.ReplaceAll(p.Prefix, "-", "_")
	p.Exec(t, fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", orphan))
	t.Cleanup(func() {
		if err := p.PG.Exec(context.Background(), p.Database, fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", orphan)); err != nil {
			t.Error(err)
		}
	})
	text, code := check(p.Setup, t)
	for _, word := range []string{fmt.Sprintf("warning: slot %q: nobody reads it", orphan), "pg_drop_replication_slot('" + orphan} {
		if code != harness.ExitDone || !strings.Contains(text, word) {
			t.Errorf("exit code %d; %q is not in\n%s", code, word, text)
		}
	}
}

// P50, P6, R4: a check says which setting will end the slot, which table's UPDATEs a publication would break, and
// which subject takes no schema; as JSON too.
func TestACheckSaysWhatWillEndASlotBreakTheApplicationOrRefuseASchema(t *testing.T) {
	pg := testenv.Postgres(t, pgserver.Options{Version: 18, Settings: map[string]string{"idle_replication_slot_timeout": "2h"}})
	p := harness.NewPipelineBetween(t, pg, testenv.SharedKafka(t))
	p.MakeItems(t)
	p.Exec(t, "CREATE TABLE keyless(note text)")
	subject := p.Prefix + ".public.items-value"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.Registry+"/mode/"+subject, strings.NewReader(`{"mode":"READONLY"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	closed := answer.StatusCode == http.StatusOK // a registry that forbids its mode to be changed has no other
	text, code := check(p.Setup, t)
	words := []string{"warning: idle_replication_slot_timeout: 2h0m0s", "error: table public.keyless: it has no primary key", "max_replication_slots: 0 of"}
	if closed {
		words = append(words, fmt.Sprintf("error: subject %q: its mode is READONLY", subject))
	}
	for _, word := range words {
		if code != harness.ExitPreflight || !strings.Contains(text, word) {
			t.Errorf("exit code %d; %q is not in\n%s", code, word, text)
		}
	}
	var findings []struct{ Severity, Where, Seen, Case string }
	if err := json.Unmarshal([]byte(p.Command(t, harness.ExitPreflight, "check", "--format", "json", p.ConfigFile())), &findings); err != nil {
		t.Fatal(err)
	}
	cases := map[string]bool{}
	for _, f := range findings {
		cases[f.Severity+" "+f.Case] = true
	}
	for _, want := range []string{"warning P50", "error P6"} {
		if !cases[want] {
			t.Errorf("%s is not among %v", want, findings)
		}
	}
}

// What a start would refuse because of what is stored, the check finds before it.
func TestACheckFindsAPositionFromWhichNoStartCouldGoOn(t *testing.T) { // P48, P62
	p := harness.ItemsPipeline(t, 18)
	d := p.Streaming(t)
	if said := p.Command(t, harness.ExitDone, "check", p.ConfigFile()); strings.Contains(said, "does not exist any more") {
		t.Errorf("while the daemon has the folder: %s", said)
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Fatalf("exit code %d", code)
	}
	if said := p.Command(t, harness.ExitDone, "check", p.ConfigFile()); !strings.Contains(said, "0 errors") {
		t.Errorf("nothing is lost: %s", said)
	}
	if said := p.Command(t, harness.ExitDone, "check", "-c", p.ConfigFile()); !strings.Contains(said, "0 errors") {
		t.Errorf("the file behind a flag, as other commands have it: %s", said)
	}
	other := p.Configured("connectors.shop.slot.name", "another")
	if said := p.Command(t, harness.ExitPositionLost, "check", other.File(t)); !strings.Contains(said, "slot.name was changed") {
		t.Errorf("another slot: %s", said)
	}
	p.Exec(t, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
	if said := p.Command(t, harness.ExitPositionLost, "check", p.File(t)); !strings.Contains(said, "the slot does not exist any more; the gap is from") {
		t.Errorf("a lost slot: %s", said)
	}
	recovery := p.Configured("connectors.shop.snapshot.mode", "recovery", "state.dir", t.TempDir())
	if said := p.Command(t, harness.ExitPreflight, "check", recovery.File(t)); !strings.Contains(said, "no position is stored to go on from") {
		t.Errorf("nothing to go on from: %s", said)
	}
}
