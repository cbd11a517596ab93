package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/connect/source"
	"rdip/internal/fault"
)

type importCommand struct {
	Connector string `arg:"" help:"A connector's JSON as posted to Kafka Connect, or its .properties file." type:"path"`
	Worker    string `type:"path" help:"The Connect worker's .properties file: brokers, registry and converters come from it."`
	Name      string `help:"Name of the connector. Default: the one in the file."`
	StateDir  string `default:"/var/lib/rdip" help:"Folder for positions, for the configuration."`
	Output    string `short:"o" type:"path" help:"Write the configuration to this file instead of printing it. An existing file is not overwritten."`
}

// Run translates the files. What cannot be kept stands in the result as a comment with the reason; the error says
// how many keys a person has to decide on.
func (c importCommand) Run() error {
	connector, err := readForeign(c.Connector)
	if err != nil {
		return err
	}
	worker := configs.Foreign{Keys: map[string]string{}}
	if c.Worker != "" {
		if worker, err = readForeign(c.Worker); err != nil {
			return err
		}
	}
	t := newTranslation(cmp.Or(c.Name, connector.Name), connector.Keys, worker.Keys)
	var text bytes.Buffer
	t.write(&text, c.Connector, c.StateDir)
	if err := emit(c.Output, text.Bytes()); err != nil {
		return err
	}
	t.next(os.Stderr, cmp.Or(c.Output, "FILE"))
	if t.refused > 0 {
		return &fault.Error{Kind: fault.Configuration, Op: "import", Object: c.Connector, Permanent: true,
			Cause: fmt.Errorf("%d keys are not supported; they stand as comments marked REFUSED", t.refused),
			Hint:  "decide on each, then: rdip check " + cmp.Or(c.Output, "FILE")}
	}
	return nil
}

func readForeign(path string) (configs.Foreign, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return configs.Foreign{}, &fault.Error{Kind: fault.Configuration, Op: "read", Object: path, Cause: err, Permanent: true}
	}
	f, err := configs.ParseForeign(text)
	if err != nil {
		return f, &fault.Error{Kind: fault.Configuration, Op: "read", Object: path, Cause: err, Permanent: true,
			Hint: `give a JSON object of keys, {"name": ..., "config": {...}}, or a .properties file`}
	}
	return f, nil
}

// emit prints a text, or writes it to a new file.
func emit(path string, text []byte) error {
	if path == "" {
		_, err := os.Stdout.Write(text)
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return &fault.Error{Kind: fault.Configuration, Op: "write", Object: path, Cause: err, Hint: "name another file with --output", Permanent: true}
	}
	if _, err = f.Write(text); err == nil {
		err = f.Close()
	}
	if err != nil {
		return &fault.Error{Op: "write", Object: path, Cause: err}
	}
	return nil
}

// translation is one connector on its way from Connect's form to a file of rdip's.
type translation struct {
	name              string
	worker, connector []configs.Verdict
	missing           fault.Findings
	variables         map[string]string // environment variables that stand for secrets, and their keys
	assumed           bool              // no converter is named: Connect's worker knew
	refused           int
}

// newTranslation takes the maps over. Without a name the connector has its topic prefix's.
func newTranslation(name string, connector, worker map[string]string) *translation {
	name = cmp.Or(name, connector["topic.prefix"], "imported")
	t := &translation{name: notInConnector.ReplaceAllString(name, "_"), variables: map[string]string{}}
	t.assumed = connector["value.converter"] == "" && worker["value.converter"] == ""
	shared := workerKeys(connector, worker)
	var s settings
	t.worker, t.missing = configs.Judge(configs.FromMap("worker", "", shared), s.workerDefinitions()...)
	addDefaults(connector)
	c := connectorSettings{name: t.name}
	var more fault.Findings
	t.connector, more = configs.Judge(configs.FromMap("connector", t.name, connector), c.definitions()...)
	t.missing = append(t.missing, more...)
	for i := range t.worker {
		if why := replaced[t.worker[i].Key]; why != "" {
			t.worker[i].Findings = fault.Findings{{Severity: fault.Notice, Seen: why}}
		}
	}
	for _, v := range slices.Concat(t.worker, t.connector) {
		if v.Refused() {
			t.refused++
		}
	}
	return t
}

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

var notInConnector = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// write prints the configuration, with what could not be kept as comments.
func (t *translation) write(b *bytes.Buffer, from, stateDir string) {
	fmt.Fprintf(b, "# rdip: imported from %s. Every key: docs/CONFIGURATION.md.\n# Check it, changing nothing: rdip check FILE. Run it: rdip run FILE.\n\n", comment(from))
	t.section(b, "", t.worker)
	t.lacking(b, stateDir)
	fmt.Fprintf(b, "connectors:\n  %s:\n", quoted(t.name))
	if t.assumed {
		fmt.Fprintf(b, "    # No converter is named here: it was the Connect worker's. Avro is rdip's default; give the worker's file with --worker.\n")
	}
	t.section(b, "    ", t.connector)
	if !slices.ContainsFunc(t.connector, func(v configs.Verdict) bool { return v.Key == "database.sslmode" }) {
		fmt.Fprintf(b, "    # Debezium's default was prefer, which falls back to plaintext. rdip verifies the server, except on this machine.\n    # database.sslmode: require\n")
	}
}

// lacking writes what a file needs and the imported ones do not have.
func (t *translation) lacking(b *bytes.Buffer, stateDir string) {
	given := func(key string) bool {
		return slices.ContainsFunc(t.worker, func(v configs.Verdict) bool { return v.Key == key && v.Kept })
	}
	if !given("bootstrap.servers") {
		fmt.Fprintf(b, "# To be filled in: Kafka's brokers, which the Connect worker knew.\nbootstrap.servers: \"localhost:9092\"\n")
	}
	if !given("schema.registry.url") && !t.json() {
		fmt.Fprintf(b, "# To be filled in: the schema registry.\nschema.registry.url: \"http://localhost:8081\"\n")
	}
	if !given("state.dir") {
		fmt.Fprintf(b, "# Positions, kept across restarts. One process a folder.\nstate.dir: %s\n", quoted(stateDir))
	}
	for _, f := range t.missing {
		fmt.Fprintf(b, "# MISSING: %s\n", comment(f.String()))
	}
	b.WriteByte('\n')
}

// json says whether both converters write JSON, which needs no registry.
func (t *translation) json() bool {
	count := 0
	for _, v := range slices.Concat(t.worker, t.connector) {
		if (v.Key == "key.converter" || v.Key == "value.converter") && strings.Contains(strings.ToLower(v.Value), "json") {
			count++
		}
	}
	return count >= 2
}

// section prints the keys that work, then those that do not, with the reasons.
func (t *translation) section(b *bytes.Buffer, indent string, verdicts []configs.Verdict) {
	for _, v := range verdicts {
		if !v.Kept {
			continue
		}
		for _, f := range v.Findings {
			fmt.Fprintf(b, "%s# %s\n", indent, comment(f.Seen))
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, bare(v.Key), quoted(t.value(&v)))
	}
	for _, v := range verdicts {
		if v.Kept {
			continue
		}
		word, why := "NO EFFECT", ""
		if v.Refused() {
			word = "REFUSED"
		}
		for _, f := range v.Findings {
			why += "; " + f.Seen
			if f.Fix != "" {
				why += "; " + f.Fix
			}
		}
		shown := quoted(v.Value)
		if v.Secret {
			shown = "(not shown)"
		}
		fmt.Fprintf(b, "%s# %s: %s: %s%s\n", indent, word, comment(configs.ShownName(v.Key)), comment(shown), comment(why))
	}
}

var plainKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)

// bare is a key as YAML, without quotes where it needs none.
func bare(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return quoted(key)
}

// value is what stands in the file: a secret that was written in clear text becomes a reference, and so does one to a
// provider that is not here.
func (t *translation) value(v *configs.Verdict) string {
	providers := configs.References(v.Value)
	known := !slices.ContainsFunc(providers, func(p string) bool { return p != "env" && p != "file" })
	if known && (len(providers) > 0 || !v.Secret || v.Value == "") {
		return v.Value
	}
	name := "RDIP_" + strings.ToUpper(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.name+"_"+v.Key, "_"))
	t.variables[name] = v.Key
	return "${env:" + name + "}"
}

// next says what is left to do.
func (t *translation) next(w io.Writer, file string) {
	fmt.Fprintf(w, "Next:\n")
	step := 1
	say := func(format string, args ...any) {
		fmt.Fprintf(w, "  %d. %s\n", step, fmt.Sprintf(format, args...))
		step++
	}
	for _, name := range slices.Sorted(maps.Keys(t.variables)) {
		say("set %s to the value of %s; secrets are not copied", name, t.variables[name])
	}
	say("rdip check %s", file)
	say("stop the connector in Kafka Connect: PUT /connectors/%s/stop; it and rdip share a slot", t.name)
	goOn := "to go on where it stood, without a snapshot: "
	if topic := t.positions(); topic != "" {
		goOn += fmt.Sprintf("nothing where topic %s has its position (connector %s, topic.prefix %s), which rdip reads; else ", topic, t.name, t.valueOf("topic.prefix"))
	}
	say("%sSELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '%s', then rdip offsets set %s --lsn LSN --config %s",
		goOn, t.valueOf("slot.name"), t.name, file)
	say("or to begin with a snapshot: give slot.name and publication.name new names in %s", file)
	say("rdip run %s", file)
}

// valueOf is a key's of the connector's own, or else of the worker's; "" for none.
func (t *translation) valueOf(key string) string {
	for _, v := range slices.Concat(t.connector, t.worker) {
		if v.Key == key && !v.Refused() {
			return v.Value
		}
	}
	return ""
}

// positions is the topic in which a connector that delivers exactly once has its position, "" of another.
func (t *translation) positions() string {
	support := cmp.Or(t.valueOf("exactly.once.support"), t.valueOf("exactly.once.source.support"))
	if support != string(source.Required) && support != string(configs.SupportEnabled) {
		return ""
	}
	return cmp.Or(t.valueOf("offsets.storage.topic"), t.valueOf("offset.storage.topic"))
}
