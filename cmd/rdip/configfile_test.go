package main

import "testing"

func TestTheConfigurationIsNamedOnceBehindTheCommandOrItsFlag(t *testing.T) {
	for name, c := range map[string]struct {
		given configFile
		want  string // "" is refused
	}{
		"behind the command": {configFile{File: "/etc/a.yaml"}, "/etc/a.yaml"},
		"behind the flag":    {configFile{Config: "/etc/a.yaml"}, "/etc/a.yaml"},
		"both, and the same": {configFile{File: "/etc/a.yaml", Config: "/etc/a.yaml"}, "/etc/a.yaml"},
		"two files":          {configFile{File: "/etc/a.yaml", Config: "/etc/b.yaml"}, ""},
		"none":               {configFile{}, ""},
	} {
		if got, err := c.given.path(); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}
