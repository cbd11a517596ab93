package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/connect/source"
)

// write prints the configuration, with what could not be kept as comments.
func (t *translation) write(b io.Writer, from, stateDir string) {
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
func (t *translation) lacking(b io.Writer, stateDir string) {
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
	fmt.Fprintln(b)
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
func (t *translation) section(b io.Writer, indent string, verdicts []configs.Verdict) {
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
	if !v.Refers && (!v.Secret || v.Value == "") {
		return v.Value
	}
	if v.Refers && !slices.ContainsFunc(configs.References(v.Value), func(p string) bool { return p != "env" && p != "file" }) {
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
	say("stop the connector in Kafka Connect: PUT /connectors/%s/stop; it and rdip share a slot", url.PathEscape(cmp.Or(t.origin, t.name)))
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
