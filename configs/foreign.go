package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Foreign is a configuration written for Kafka Connect.
type Foreign struct {
	Name   string            // the connector's, "" where the text names none
	Keys   map[string]string // as written; references are not resolved
	Worker bool              // it is said to be a worker's; a .properties file may be without saying so
}

// ParseForeign reads what users of Kafka Connect have, with one connector or several:
//   - a connector's JSON as it is posted to the REST API and answered by it ({"name": ..., "config": {...}}), the config
//     alone, a list of these, and the answer of GET /connectors?expand=info;
//   - Kubernetes resources in YAML: Strimzi's KafkaConnector and KafkaConnect, Confluent's Connector;
//   - a .properties file.
//
// There is at least one without an error. Errors hold no values.
func ParseForeign(text []byte) ([]Foreign, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return nil, errors.New("it is empty")
	case text[0] == '{' || text[0] == '[':
		return foreignJSON(text)
	case isResource(text):
		return foreignResources(text)
	}
	keys, err := parseProperties(string(text))
	if err != nil {
		return nil, err
	}
	for key := range keys {
		if strings.HasPrefix(key, "debezium.source.") {
			return nil, errors.New("it is a Debezium Server's, which is no connector; its keys debezium.source.X are a connector's keys X")
		}
	}
	return []Foreign{foreignOf(keys, "")}, nil
}

// foreignOf takes the name out of the keys; one that stands beside them counts more.
func foreignOf(keys map[string]string, name string) Foreign {
	f := Foreign{Name: name, Keys: keys}
	if f.Name == "" {
		f.Name = keys["name"]
	}
	delete(keys, "name")
	return f
}

func foreignJSON(text []byte) ([]Foreign, error) {
	if text[0] == '{' {
		return foreignObject(text)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	var all []Foreign
	for _, item := range items {
		if item[0] != '{' {
			return nil, errors.New("it is a list of something other than connectors; their configurations are in the answer of GET /connectors?expand=info")
		}
		more, err := foreignObject(item)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	if len(all) == 0 {
		return nil, errors.New("it has no connector")
	}
	return all, nil
}

// foreignObject reads an object that is one connector, or that has one below each name.
func foreignObject(text []byte) ([]Foreign, error) {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if expanded := below(body, "info"); expanded != nil {
		var all []Foreign
		for _, name := range slices.Sorted(maps.Keys(expanded)) {
			more, err := foreignObject(expanded[name])
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}
	inner, posted := body["config"]
	if !posted {
		keys, err := texts(body)
		return []Foreign{foreignOf(keys, "")}, err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(inner, &config); err != nil {
		return nil, errors.New(`"config" is not an object`)
	}
	keys, err := texts(config)
	if err != nil {
		return nil, err
	}
	var name string
	if json.Unmarshal(body["name"], &name) != nil {
		name = ""
	}
	return []Foreign{foreignOf(keys, name)}, nil
}

// below is what the objects of a body have under one key, nil where one of them does not, or there is none.
func below(body map[string]json.RawMessage, key string) map[string]json.RawMessage {
	found := map[string]json.RawMessage{}
	for name, raw := range body {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil || object[key] == nil || object[key][0] != '{' {
			return nil
		}
		found[name] = object[key]
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// texts is every value as Connect has it: text. A number or a boolean is its JSON form.
func texts(body map[string]json.RawMessage) (map[string]string, error) {
	keys := make(map[string]string, len(body))
	for name, raw := range body {
		var s string
		switch {
		case json.Unmarshal(raw, &s) == nil && raw[0] == '"':
			keys[name] = s
		case string(raw) == "null":
		case raw[0] == '{' || raw[0] == '[':
			return nil, fmt.Errorf("the value of %s is not a text", name)
		default:
			keys[name] = strings.TrimSpace(string(raw))
		}
	}
	return keys, nil
}
