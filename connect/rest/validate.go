package rest

import (
	"net/http"
	"strings"
)

// Validation is Connect's ConfigInfos: the answer to PUT /connector-plugins/{class}/config/validate.
type Validation struct {
	Name       string        `json:"name"` // the class
	ErrorCount int           `json:"error_count"`
	Groups     []string      `json:"groups"`
	Configs    []ConfigState `json:"configs"`
}

// ConfigState is one key: what it is, and what it is given.
type ConfigState struct {
	Definition ConfigKey   `json:"definition"`
	Value      ConfigValue `json:"value"`
}

// ConfigKey is Connect's ConfigKeyInfo.
type ConfigKey struct {
	Name          string   `json:"name"`
	Type          string   `json:"type"` // Connect's: STRING, PASSWORD, BOOLEAN, INT, LONG, LIST
	Required      bool     `json:"required"`
	DefaultValue  *string  `json:"default_value"`
	Importance    string   `json:"importance"` // HIGH, MEDIUM or LOW
	Documentation string   `json:"documentation"`
	Group         string   `json:"group"`
	Width         string   `json:"width"`
	DisplayName   string   `json:"display_name"`
	Dependents    []string `json:"dependents"`
	Order         int      `json:"order"`
}

// ConfigValue is Connect's ConfigValueInfo.
type ConfigValue struct {
	Name              string   `json:"name"`
	Value             *string  `json:"value"` // secrets redacted
	RecommendedValues []string `json:"recommended_values"`
	Errors            []string `json:"errors"`
	Visible           bool     `json:"visible"`
}

func (a *api) validate(r *http.Request) (any, *ErrorMessage) {
	var config map[string]string
	if refused := decode(r, &config); refused != nil {
		return nil, refused
	}
	class := r.PathValue("class")
	v, err := a.control.Validate(class, config)
	if err != nil {
		return nil, problem(err)
	}
	v.Groups = orEmpty(v.Groups)
	for i := range v.Configs {
		c := &v.Configs[i]
		c.Definition.Dependents, c.Definition.Width = orEmpty(c.Definition.Dependents), "MEDIUM"
		c.Value.RecommendedValues, c.Value.Errors = orEmpty(c.Value.RecommendedValues), orEmpty(c.Value.Errors)
		if c.Value.Value != nil {
			shown := redactValue(c.Definition.Name, *c.Value.Value)
			if strings.HasPrefix(*c.Value.Value, "${") {
				shown = *c.Value.Value
			}
			c.Value.Value = &shown
		}
	}
	return v, nil
}
