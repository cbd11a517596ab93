package reliability

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/testenv/registryserver"
	"rdip/integration/workload"
)

// registryFaults are what goes wrong with the registry: a real one, behind a gate that answers in its place.
func registryFaults() []fault {
	return slices.Concat(passingFaults(), refusingFaults())
}

const htmlPage = "<html><body><h1>502 Bad Gateway</h1><p>nginx</p></body></html>"

// passing are answers, or none, that may be others a moment later: the connector waits.
var passing = []struct {
	name   string
	answer registryserver.Answer
	short  bool
}{
	{name: "is down", answer: registryserver.Answer{Cut: true}},
	{name: "is slow", answer: registryserver.Answer{Delay: 1500 * time.Millisecond}},
	{name: "registers and its answer is lost", answer: registryserver.Answer{Lost: true}},
	{name: "answers 429 with Retry-After", short: true,
		answer: registryserver.Answer{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}, Body: `{"error_code":429,"message":"slow down"}`}},
	{name: "answers 500", short: true,
		answer: registryserver.Answer{Status: http.StatusInternalServerError, Body: `{"error_code":50001,"message":"error in the backend data store"}`}},
	{name: "answers 502 with a proxy's page", answer: registryserver.Answer{Status: http.StatusBadGateway, Body: htmlPage}},
	{name: "answers 200 with a page", answer: registryserver.Answer{Status: http.StatusOK, Body: htmlPage}},
	{name: "answers 200 with a truncated body", answer: registryserver.Answer{Status: http.StatusOK, Body: `{"id": 1`}},
}

func passingFaults() (list []fault) {
	for _, c := range passing {
		list = append(list,
			fault{name: "the registry " + c.name + " in mid-stream", short: c.short, modes: both, // R1, R4
				proves: "the connector waits at the first row of a new schema, status names the subject and PostgreSQL's connection lives on; once the registry answers nothing is missing, repeated or out of order",
				not:    "a registry that gives one schema two ids: ids are its own",
				run: func(t *testing.T, mode harness.Mode) {
					registryFails(t, mode, c.answer)
				}},
			fault{name: "the registry " + c.name + " at the start", modes: both, // R1, R4
				proves: "a first start whose snapshot cannot register a schema waits, status names the subject, and the snapshot goes on from there without a gap to the stream",
				not:    "a restart meanwhile",
				run: func(t *testing.T, mode harness.Mode) {
					registryFailsAtTheStart(t, mode, c.answer)
				}})
	}
	return list
}

// registryFails has a schema change meet a registry that does not answer as it should, and one that does later.
func registryFails(t *testing.T, mode harness.Mode, answer registryserver.Answer) {
	l, gate := loadGated(t, mode, workload.Standard(pause))
	l.goesOn(t, 500*time.Millisecond)
	walsender := l.Slot(t, "active_pid")
	gate.Intercept(answer)
	l.Faulted(1)
	before := gate.Counts()
	l.anotherSchema(t)
	l.waitsFor(t, l.Prefix+".public.", answer) // whichever table changed first
	time.Sleep(time.Second)
	asked := gate.Counts().Intercepted - before.Intercepted
	if wait := answer.Header["Retry-After"]; wait != "" && asked > 3 {
		t.Errorf("the registry was asked %d times in a second, and had asked for %s s of peace", asked, wait)
	}
	if asked == 0 {
		t.Error("the registry was not asked: nothing went wrong")
	}
	gate.Pass()
	l.goesOn(t, 500*time.Millisecond)
	if now := l.Slot(t, "active_pid"); now != walsender {
		t.Errorf("the walsender was %s and is %q", walsender, now)
	}
	l.endWithoutRepeats(t)
}

func registryFailsAtTheStart(t *testing.T, mode harness.Mode, answer registryserver.Answer) {
	r := mode.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t))
	gate := testenv.Gate(t, r.Registry)
	r.Setup = r.With("schema.registry.url", gate.URL())
	gate.Intercept(answer)
	r.Faulted(1)
	harness.Binary(t, r.Tags...)
	l := &loaded{Run: r, daemon: r.Start(t)}
	l.waitsFor(t, r.Prefix+".public.", answer)
	l.work = workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
	time.Sleep(time.Second)
	gate.Pass()
	l.daemon.WaitFor(t, "state=streaming")
	l.goesOn(t, 500*time.Millisecond)
	l.endWithoutRepeats(t)
}

// loadGated is load with the registry behind a gate, on a server that ends a silent walsender after two seconds.
func loadGated(t *testing.T, mode harness.Mode, o workload.Options) (*loaded, *registryserver.Gate) {
	t.Helper()
	pg := testenv.SharedPostgres(t, 18)
	if harness.Long() {
		pg = testenv.Postgres(t, pgserver.Options{Version: 18, Settings: map[string]string{"wal_sender_timeout": "2s"}})
	}
	r := mode.Run(t, pg, testenv.SharedKafka(t))
	gate := testenv.Gate(t, r.Registry)
	return loadWith(t, o, r, "schema.registry.url", gate.URL()), gate
}

// anotherSchema changes a table, and a row of it, so that the registry has to be asked.
func (l *loaded) anotherSchema(t *testing.T) {
	t.Helper()
	l.Exec(t, "ALTER TABLE composite ADD COLUMN of_the_fault text",
		"INSERT INTO composite(region, id, version, note, of_the_fault) VALUES ('fault', 1, nextval('versions'), 'committed', 'x')")
}

// waitsFor waits until status says that the registry is waited for, and for which subject; one that is merely slow
// may have answered before anybody looks.
func (l *loaded) waitsFor(t *testing.T, subject string, answer registryserver.Answer) {
	t.Helper()
	if answer.Status == 0 && !answer.Cut && !answer.Lost {
		return
	}
	harness.Eventually(t, "status to name "+subject, func() bool {
		return strings.Contains(l.daemon.Status(t).Rdip.WaitingOn, subject)
	})
}

// refusing are answers that stay as they are until somebody does something: the table stops.
var refusing = []struct {
	status int
	code   int
	short  bool
}{
	{http.StatusUnauthorized, 40101, false}, {http.StatusForbidden, 40301, false}, {http.StatusConflict, 409, true}, {http.StatusUnprocessableEntity, 42201, false},
}

func refusingFaults() (list []fault) {
	for _, c := range refusing {
		answer := registryserver.Answer{Status: c.status, Body: fmt.Sprintf(`{"error_code":%d,"message":"not this schema"}`, c.code)}
		list = append(list, fault{name: fmt.Sprintf("the registry answers %d in mid-stream and later takes the schema", c.status), short: c.short, modes: both, // R2, R3, R4
			proves: "that table stops by name while the others go on; after the fix, rdip resume delivers all that it missed, once, and the others repeat nothing",
			not:    "schemas that stay refused: their table stays stopped, and keeps the slot",
			run:    func(t *testing.T, mode harness.Mode) { registryRefuses(t, mode, answer) }})
	}
	return list
}

func registryRefuses(t *testing.T, mode harness.Mode, answer registryserver.Answer) {
	o := workload.Standard(pause)
	o.ChangeEvery = 0 // the fault says which table the registry is asked about, and so which stops
	l, gate := loadGated(t, mode, o)
	l.goesOn(t, 500*time.Millisecond)
	gate.Intercept(answer)
	l.Faulted(1)
	l.anotherSchema(t)
	l.stops(t, "public.composite")
	gate.Pass()
	l.othersGoOn(t)
	l.resumed(t, mode, "composite")
}
