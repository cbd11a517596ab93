package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Foreign is a configuration written for Kafka Connect.
type Foreign struct {
	Name string            // the connector's, "" where the text names none
	Keys map[string]string // as written; references are not resolved
}

// ParseForeign reads a connector's JSON, as it is posted to Connect's REST API ({"name": ..., "config": {...}}) or
// the config alone, or a .properties file.
func ParseForeign(text []byte) (Foreign, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return Foreign{}, errors.New("it is empty")
	}
	keys, err := foreignKeys(text)
	if err != nil {
		return Foreign{}, err
	}
	f := Foreign{Name: keys["name"], Keys: keys}
	delete(keys, "name")
	return f, nil
}

func foreignKeys(text []byte) (map[string]string, error) {
	if text[0] != '{' {
		return parseProperties(string(text))
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	inner, posted := body["config"]
	if !posted {
		return texts(body)
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(inner, &config); err != nil {
		return nil, errors.New(`"config" is not an object`)
	}
	keys, err := texts(config)
	if err == nil {
		var name string
		if json.Unmarshal(body["name"], &name) == nil && name != "" {
			keys["name"] = name
		}
	}
	return keys, err
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
