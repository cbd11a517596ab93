package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

// translation is one connector on its way from Connect's form to a file of rdip's.
type translation struct {
	name              string
	origin            string // its name in Connect, "" where the file does not say it
	worker, connector []configs.Verdict
	missing           fault.Findings
	variables         map[string]string // environment variables that stand for secrets, and their keys
	assumed           bool              // no converter is named: Connect's worker knew
	refused           int
}

// newTranslation takes the maps over. Without a name the connector has its topic prefix's.
func newTranslation(name string, connector, worker map[string]string) *translation {
	renamed, moot := renameOld(connector)
	name = cmp.Or(name, connector["topic.prefix"], "imported")
	t := &translation{name: notInConnector.ReplaceAllString(name, "_"), variables: map[string]string{}}
	t.assumed = connector["value.converter"] == "" && worker["value.converter"] == ""
	shared := workerKeys(connector, worker)
	var s settings
	top := configs.FromMap("worker", "", shared)
	t.worker, t.missing = configs.Judge(top, s.workerDefinitions()...)
	addDefaults(connector)
	c := connectorSettings{name: t.name}
	section := configs.FromMap("connector", t.name, connector)
	var more fault.Findings
	t.connector, more = configs.Judge(section, c.definitions()...)
	t.missing = append(t.missing, more...)
	dismiss(t.worker, replaced)
	dismiss(t.connector, moot)
	remark(t.connector, renamed)
	t.together(top, section)
	for _, v := range slices.Concat(t.worker, t.connector) {
		if v.Refused() {
			t.refused++
		}
	}
	return t
}

// dismiss says of keys why nothing is lost with them, in place of what was found.
func dismiss(verdicts []configs.Verdict, reasons map[string]string) {
	for i := range verdicts {
		if why := reasons[verdicts[i].Key]; why != "" {
			verdicts[i].Findings = fault.Findings{{Severity: fault.Notice, Seen: why}}
		}
	}
}

// remark says something of keys beside what was found.
func remark(verdicts []configs.Verdict, notes map[string]string) {
	for i := range verdicts {
		if v := &verdicts[i]; notes[v.Key] != "" {
			v.Findings = append(fault.Findings{{Severity: fault.Notice, Seen: notes[v.Key]}}, v.Findings...)
		}
	}
}

// together judges what is kept as a start would, for what no key shows by itself: transforms that rdip does not have, a
// converter, two keys that exclude each other. Keys with references are taken out, for what they refer to may not be on
// this machine.
func (t *translation) together(worker, connector *configs.Section) {
	kept := func(verdicts []configs.Verdict, s *configs.Section) *configs.Section {
		return s.Without(func(key string) bool {
			return slices.ContainsFunc(verdicts, func(v configs.Verdict) bool { return v.Key == key && (!v.Kept || v.Refers) })
		})
	}
	s := settings{file: &configs.File{Name: "import", Worker: kept(t.worker, worker), Connectors: []*configs.Section{kept(t.connector, connector)}}}
	for _, f := range s.decode() {
		if f.Severity == fault.Fatal && !refuse(t.worker, worker, f) && !refuse(t.connector, connector, f) && !t.lacks(worker, f) {
			t.missing = append(t.missing, f)
		}
	}
}

// refuse takes back that the key is kept of which a finding is. It is false where the finding is of no key that is
// written.
func refuse(verdicts []configs.Verdict, s *configs.Section, f fault.Finding) bool {
	for i := range verdicts {
		v := &verdicts[i]
		if f.Where != s.Where(v.Key) {
			continue
		}
		if v.Kept && !v.Refers {
			v.Kept, v.Findings = false, append(v.Findings, f)
		}
		return true
	}
	return false
}

// lacks says whether it is known that the finding's key is missing: it is, or the file will have it.
func (t *translation) lacks(worker *configs.Section, f fault.Finding) bool {
	return slices.ContainsFunc(t.missing, func(m fault.Finding) bool { return m.Where == f.Where }) ||
		slices.ContainsFunc(filledIn, func(key string) bool { return f.Where == worker.Where(key) })
}

// undecided says what a person has to decide on, "" where there is nothing.
func (t *translation) undecided() string {
	var parts []string
	if t.refused > 0 {
		parts = append(parts, fmt.Sprintf("%d keys are not supported; they stand as comments marked REFUSED", t.refused))
	}
	if len(t.missing) > 0 {
		parts = append(parts, fmt.Sprintf("%d keys are missing; they stand as comments marked MISSING", len(t.missing)))
	}
	return strings.Join(parts, "; ")
}

// filledIn are the keys that the file has whatever is imported: see lacking.
var filledIn = []string{"bootstrap.servers", "schema.registry.url", "state.dir"}

// replaced are keys of Connect's workers with which nothing is lost: rdip has its own in their place.
var replaced = map[string]string{
	"listeners":                    "rest.listeners says where rdip listens",
	"rest.host.name":               "rest.listeners says where rdip listens",
	"rest.port":                    "rest.listeners says where rdip listens",
	"offset.storage.file.filename": "state.dir holds the positions",
	"group.id":                     "one process runs the connectors of its file",
	workersID: "Connect gives each task an id of its own in its place (Worker.exactlyOnceSourceTaskProducerConfigs), and here no two connectors may share one: " +
		"each has rdip-CONNECTOR-PREFIX; producer.override.transactional.id of the connector would be kept",
}

// workersID is the transactional id of a worker's file, which is not taken for the connector's.
const workersID = "producer.transactional.id"

// addDefaults writes down the defaults of Debezium's that differ from rdip's, so that the connector goes on with its
// slot and publication, and writes the same bytes.
func addDefaults(keys map[string]string) {
	for key, value := range map[string]string{"slot.name": "debezium", "publication.name": "dbz_publication",
		"publication.autocreate.mode": "all_tables", "compatibility": "debezium"} {
		if keys[key] == "" {
			keys[key] = value
		}
	}
}

// workerKeys moves to the top level what one connector has there in rdip: the producer's overrides and the registry.
// A connector's own value wins over the worker's.
func workerKeys(connector, worker map[string]string) map[string]string {
	shared := map[string]string{}
	for key, value := range worker {
		plain := strings.TrimPrefix(key, "producer.")
		if plain == strings.TrimPrefix(workersID, "producer.") {
			plain = workersID
		}
		shared[plain] = value
	}
	for key, value := range connector {
		if plain, ok := strings.CutPrefix(key, "producer.override."); ok {
			shared[plain] = value
			delete(connector, key)
		}
	}
	for _, keys := range []map[string]string{shared, connector} {
		for _, side := range []string{"key.converter.", "value.converter."} {
			for from, to := range map[string]string{"schema.registry.url": "schema.registry.url",
				"basic.auth.user.info": "schema.registry.basic.auth.user.info", "schema.registry.basic.auth.user.info": "schema.registry.basic.auth.user.info"} {
				if value, ok := keys[side+from]; ok {
					shared[to] = value
					delete(keys, side+from)
				}
			}
		}
	}
	return shared
}

var notInConnector = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
