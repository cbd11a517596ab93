package main

import (
	"maps"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/connect/rest"
	"rdip/internal/fault"
)

// Validate judges a connector's keys as rdip check does, without asking a server.
func (c *control) Validate(class string, keys map[string]string) (rest.Validation, error) {
	in := *c.inForce()
	in.connectors, in.notices = nil, nil
	written := map[string]string{"connector.class": class}
	maps.Copy(written, keys)
	delete(written, "name") // Connect's own
	section := configs.FromMap("PUT /connector-plugins/"+class+"/config/validate", keys["name"], written)
	findings := in.connector(section)
	return validation(class, section, &in.connectors[0], findings), nil
}

// validation is the findings by key, with every key of the definitions. What is wrong with a key that no
// definition has stands behind them.
func validation(class string, section *configs.Section, c *connectorSettings, findings fault.Findings) rest.Validation {
	v := rest.Validation{Name: class}
	errs := errorsByKey(section, findings)
	for _, names := range errs {
		v.ErrorCount += len(names)
	}
	for _, d := range (&connectorSettings{}).definitions() { // of none in use: a definition fills in defaults
		for _, k := range d.Keys() {
			if !slices.Contains(v.Groups, k.Group) {
				v.Groups = append(v.Groups, k.Group)
			}
			state := rest.ConfigState{Definition: definitionOf(k, len(v.Configs)), Value: rest.ConfigValue{Name: k.Name, Errors: errs[k.Name], Visible: true}}
			if text, ok := c.effective[k.Name]; ok {
				state.Value.Value = &text
			}
			v.Configs = append(v.Configs, state)
			delete(errs, k.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(errs)) {
		v.Configs = append(v.Configs, rest.ConfigState{Definition: rest.ConfigKey{Name: name, Type: "STRING", Importance: "LOW", DisplayName: name, Order: len(v.Configs)},
			Value: rest.ConfigValue{Name: name, Errors: errs[name], Visible: true}})
	}
	return v
}

// errorsByKey is what is wrong, by the key that it is said of.
func errorsByKey(section *configs.Section, findings fault.Findings) map[string][]string {
	errs := map[string][]string{}
	for _, f := range findings {
		if f.Severity != fault.Fatal {
			continue
		}
		key := f.Where[strings.LastIndexByte(f.Where, ' ')+1:]
		f.Where = strings.TrimPrefix(key, section.Name+".")
		errs[key] = append(errs[key], f.String())
	}
	return errs
}

// connectTypes are Connect's names of our types (ConfigDef.Type); others are STRING.
var connectTypes = map[string]string{"secret": "PASSWORD", "boolean": "BOOLEAN", "integer": "INT", "list": "LIST", "list of regular expressions": "LIST"}

func definitionOf(k *configs.Key, order int) rest.ConfigKey {
	out := rest.ConfigKey{Name: k.Name, Type: "STRING", Required: k.Required && !k.HasDefault, Importance: strings.ToUpper(k.Importance.String()),
		Documentation: k.Doc, Group: k.Group, DisplayName: k.Name, Order: order}
	if t, ok := connectTypes[k.Type]; ok {
		out.Type = t
	}
	if k.HasDefault {
		out.DefaultValue = &k.Default
	}
	return out
}
