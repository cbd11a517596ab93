package configs

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"rdip/internal/fault"
)

// Fate is what becomes of a key that Debezium, Kafka Connect or one of their parts knows.
type Fate uint8

const (
	// Supported keys are in a Definition of rdip.
	Supported Fate = iota
	// NoEffect keys are accepted with a notice: what they tune is not there, or is always so.
	NoEffect
	// Fixed keys are accepted at the value that rdip always has, and refused at any other.
	Fixed
	// Refused keys would change what comes out, and rdip does not do it.
	Refused
)

func (f Fate) String() string {
	return [...]string{"supported", "no effect", "fixed", "not supported"}[f]
}

// KnownKey is a key of Debezium or Kafka Connect and what becomes of it here.
type KnownKey struct {
	Name string   // a * stands for one or more characters: "transforms.*"
	Of   string   // whose it is, such as "Debezium PostgreSQL connector"
	Fate Fate     //
	Only []string // of a Fixed key: the values that change nothing
	Why  string   // for a reader of a finding; empty for a Supported key
	Fix  string   // what to type instead; may be empty
	// Worker says that the key belongs to the worker's section, not to a connector's.
	Worker bool
}

// KnownKeys is the whole table, in the order of its parts.
func KnownKeys() []KnownKey {
	return slices.Concat(connectKeys, connectorKeys, debeziumCommonKeys, debeziumPostgresKeys, debeziumSnapshotKeys, converterKeys, producerKeys, otherConnectorKeys, retiredKeys)
}

// Lookup finds a key in the table, an exact name before a pattern, and of patterns the longest. The table holds
// a name twice where it means something in both sections; worker says which of them is asked for first.
func Lookup(name string, worker bool) (KnownKey, bool) {
	best, bestScore := lookupOverride(name)
	for _, k := range KnownKeys() {
		score := 0
		switch {
		case k.Name == name:
			score = 1 << 20
		case strings.Contains(k.Name, "*") && matches(k.Name, name):
			score = 2 * len(k.Name)
		default:
			continue
		}
		if k.Worker == worker {
			score++
		}
		if score > bestScore {
			best, bestScore = k, score
		}
	}
	return best, bestScore > 0
}

const overridePrefix = "producer.override."

// lookupOverride finds a producer's key below producer.override., which weighs more than the pattern that
// covers them all.
func lookupOverride(name string) (KnownKey, int) {
	plain, ok := strings.CutPrefix(name, overridePrefix)
	if !ok {
		return KnownKey{}, 0
	}
	for _, k := range producerKeys {
		if k.Name == plain || matches(k.Name, plain) {
			k.Name, k.Worker = name, false
			return k, 1 << 10
		}
	}
	return KnownKey{}, 0
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// foreign reports a key that no definition takes.
func (d *decoding) foreign(name string) {
	v := d.section.values[name]
	known, ok := Lookup(name, d.section.Name == "")
	switch {
	case !ok:
		d.unknown(name)
	case known.Fate == Supported:
		d.misplaced(name, known)
	case known.Fate == NoEffect, known.Fate == Fixed && fixedAt(known, v):
		d.add(fault.Finding{Severity: fault.Notice, Kind: fault.Configuration, Where: d.section.Where(name),
			Seen: fmt.Sprintf("the key of %s has no effect here: %s", known.Of, known.Why)})
	case known.Fate == Fixed:
		// The value is not shown: some of these keys take passwords.
		d.add(d.section.Finding(name, "the value is not supported: "+known.Why, oneOf(known.Only), orElse(known.Fix, fixedFix(name, known.Only[0]))))
	default:
		d.add(d.section.Finding(name, fmt.Sprintf("the key of %s is not supported: %s", known.Of, known.Why), "a configuration without it", orElse(known.Fix, "remove "+name)))
	}
}

func fixedAt(k KnownKey, v Value) bool {
	text := strings.Join(v.list(), ",")
	return slices.ContainsFunc(k.Only, func(o string) bool { return strings.EqualFold(o, text) })
}

func fixedFix(name, only string) string {
	if only == "" {
		return "remove " + name
	}
	return "remove " + name + ", or write " + quote(name+": "+only)
}

func oneOf(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(quoted, " or ")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// misplaced reports a key that rdip knows, but not in this section.
func (d *decoding) misplaced(name string, k KnownKey) {
	if plain, ok := strings.CutPrefix(name, overridePrefix); ok {
		d.add(d.section.Finding(name, "a connector with producer settings of its own", "the setting at the top level, for all connectors",
			fmt.Sprintf("write %q at the top level of the file", plain+": ...")))
		return
	}
	if k.Worker && d.section.Name != "" {
		d.add(d.section.Finding(name, "a worker's key inside a connector", "the key at the top level", "move "+name+" to the top level of the file"))
		return
	}
	if !k.Worker && d.section.Name == "" {
		d.add(d.section.Finding(name, "a connector's key at the top level", "the key below connectors.NAME", "move "+name+" below connectors: {NAME: ...}"))
		return
	}
	d.add(d.section.Finding(name, "a key of "+k.Of+" that this part of rdip does not take", "a key of docs/CONFIGURATION.md", "remove "+name))
}

// Disagreements compares the table with the definitions of the two sections and returns a line for each key
// that the table calls supported and no definition has, or the other way round. A test asks it.
func Disagreements(worker, connector []*Definition) []string {
	var lines []string
	for _, k := range KnownKeys() {
		defs, section := connector, "connector"
		if k.Worker {
			defs, section = worker, "worker"
		}
		defined := slices.ContainsFunc(defs, func(d *Definition) bool {
			found := d.find(k.Name)
			return found != nil && !found.Prefix || d.byName[strings.TrimSuffix(k.Name, "*")] != nil
		})
		if defined != (k.Fate == Supported) {
			lines = append(lines, fmt.Sprintf("%s key %s: the table says %s, defined is %v", section, k.Name, k.Fate, defined))
		}
	}
	return lines
}

// unknown reports a key that nobody knows, with the nearest one that would work here.
func (d *decoding) unknown(name string) {
	var names []string
	for _, def := range d.defs {
		for _, k := range def.keys {
			if !k.Prefix {
				names = append(names, k.Name)
			}
		}
	}
	if d.section.Name == "" {
		names = append(names, connectorsKey)
	} else if new(Worker).Definition().Key(name) != nil {
		d.misplaced(name, KnownKey{Name: name, Worker: true})
		return
	}
	near := nearest(name, names)
	if near == "" {
		d.add(d.section.Finding(name, "the key is unknown", "a key of docs/CONFIGURATION.md", "remove "+name))
		return
	}
	d.add(d.section.Finding(name, "the key is unknown", "a known key; the nearest is "+near, "rename it to "+near))
}
