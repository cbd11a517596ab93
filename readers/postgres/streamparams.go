package postgres

import (
	"fmt"
	"strings"
)

// applyParams sets the keys that slot.stream.params stands for. seen is what is wrong with it, "" for nothing.
func (c *Config) applyParams() (seen, need, fix string) {
	for pair := range strings.SplitSeq(c.Params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `'"`)
		if name == "" {
			continue
		}
		if why := c.applyParam(name, strings.ToLower(value)); why != "" {
			return fmt.Sprintf("%s=%s: %s", name, value, why), "options of pgoutput that rdip can give: proto_version, streaming, two_phase, origin", "remove " + name
		}
	}
	return "", "", ""
}

// applyParam takes one option; it says why not.
func (c *Config) applyParam(name, value string) string {
	on, isBool := map[string]bool{"true": true, "on": true, "1": true, "false": false, "off": false, "0": false}[value], isSwitch(value)
	switch name {
	case "proto_version":
		if len(value) != 1 || value < "1" || value > "4" {
			return "the versions are 1 to 4"
		}
		c.Protocol = value
	case "streaming":
		if !isBool {
			return "streaming is on or off here"
		}
		if c.Streaming = StreamingOff; on {
			c.Streaming = StreamingOn
		}
	case "two_phase":
		if !isBool {
			return "it is true or false"
		}
		c.TwoPhase = on
	case "origin":
		if value != string(OriginAny) && value != string(OriginNone) {
			return "it is any or none"
		}
		c.Origins = OriginFilter(value)
	case "messages":
		if !on {
			return "logical messages are rdip's own heartbeats too, and always asked for"
		}
	case "binary":
		if on || !isBool {
			return "values are read as text"
		}
	case "publication_names":
		return "publication.name says which"
	default:
		return "pgoutput has no such option"
	}
	return ""
}

// isSwitch says whether a value is one of PostgreSQL's booleans.
func isSwitch(value string) bool {
	switch value {
	case "true", "on", "1", "false", "off", "0":
		return true
	}
	return false
}
