package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rdip/configs"
	"rdip/internal/fault"
)

// spillFolder is where connectors keep what has not ended of transactions, each in a folder of its own.
func spillFolder(stateDir string) string { return filepath.Join(stateDir, "spill") }

// clearSpills removes what a process that was killed left there, which holds rows: of connectors, too, that the configuration
// has no longer. The folder itself stays: it may be on a disk of its own. The caller has the state folder for itself.
func clearSpills(stateDir string) error {
	folder := spillFolder(stateDir)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
	}
	if err != nil {
		return &fault.Error{Op: "remove old files of", Object: folder, Cause: err, Hint: "make the folder writable", Permanent: true}
	}
	return nil
}

// spillShare is which part of a connector's share of memory.budget transactions that have not ended may take.
const spillShare = 4

// spill bounds what the connector that was decoded last keeps in memory of transactions that have not ended: what was
// asked for has to fit, and the default gives way.
func (s *settings) spill(section *configs.Section, connectors int) fault.Findings {
	c := &s.connectors[len(s.connectors)-1].postgres
	share := s.worker.MemoryBudget / int64(connectors)
	if c.SpillMemory <= share/spillShare {
		return nil
	}
	if !c.Spills() || !section.Has("spill.memory.bytes") {
		c.SpillMemory = share / spillShare
		return nil
	}
	return fault.Findings{section.Finding("spill.memory.bytes",
		fmt.Sprintf("%d, and the connector's share of memory.budget is %d, of %d connectors", c.SpillMemory, share, connectors),
		"at most a quarter of the share, of which it is a part",
		fmt.Sprintf("spill.memory.bytes: %d, or memory.budget: %d", share/spillShare, spillShare*c.SpillMemory*int64(connectors)))}
}
