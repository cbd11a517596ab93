package harness

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rdip/integration/judge"
)

// keepEvidence copies the folder of a test that fails, with its configuration, its state and what its daemons wrote, to
// the folder that RDIP_EVIDENCE names.
func keepEvidence(t *testing.T, dir string) {
	t.Helper()
	kept := os.Getenv("RDIP_EVIDENCE")
	if kept == "" {
		return
	}
	t.Cleanup(func() { // before the folder's own cleanup, behind those of the daemons
		if !t.Failed() {
			return
		}
		to := filepath.Join(kept, strings.Map(fileName, t.Name()))
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Error(err)
		}
		t.Logf("the evidence is kept in %s", to)
	})
}

// keepTopic writes what the judges had of a table beside the rest of the evidence: its topic, and its history.
func (r *Run) keepTopic(t *testing.T, e *judge.Evidence) {
	t.Helper()
	f, err := os.Create(filepath.Join(r.dir, e.Table.Name+".txt"))
	if err != nil {
		t.Error(err)
		return
	}
	w := bufio.NewWriter(f)
	for i, partition := range e.Partitions {
		for _, record := range partition {
			fmt.Fprintf(w, "partition %d\t%v\t%s\t%v\t%v\n", i, record, record.Fields, record.Before, record.After)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(e.History)) {
		for _, c := range e.History[key] {
			fmt.Fprintf(w, "history of %s\t%c in transaction %d\t%s\t%v\n", key, c.Op, c.Tx, c.Fields, c.Row)
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Error(err)
	}
}

// fileName replaces what a folder's name should not have.
func fileName(r rune) rune {
	if strings.ContainsRune("/: ,'\"", r) {
		return '-'
	}
	return r
}
