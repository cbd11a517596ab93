package main

import (
	"errors"

	"rdip/internal/fault"
)

// configFile is the configuration that a command is about: it stands behind the command's name, or behind --config as with
// every other command.
type configFile struct {
	File   string `arg:"" optional:"" placeholder:"FILE" help:"Configuration file (YAML)." type:"path"`
	Config string `short:"c" help:"The same file, as a flag." type:"path"`
}

// path is the file's path; one has to be given, and no two.
func (c configFile) path() (string, error) {
	refuse := func(why string) (string, error) {
		return "", &fault.Error{Kind: fault.Configuration, Op: "find the configuration", Cause: errors.New(why), Hint: "give one FILE, such as /etc/rdip/rdip.yaml", Permanent: true}
	}
	switch {
	case c.File == "" && c.Config == "":
		return refuse("no file is given")
	case c.File == "" || c.File == c.Config:
		return c.Config, nil
	case c.Config == "":
		return c.File, nil
	default:
		return refuse("two files are given, " + c.File + " and " + c.Config)
	}
}
