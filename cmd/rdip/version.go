package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the version, the commit it was built from, and what it was built with.
func (versionCommand) Run() error {
	fmt.Printf("rdip %s (%s, %s %s/%s)\n", version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// revision is set by the linker; without it, what the go command recorded is shown.
var revision string

// commit is the commit that the binary was built from, as far as the build recorded it.
func commit() string {
	if revision != "" {
		return revision
	}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "commit unknown"
}
