package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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

// fileName replaces what a folder's name should not have.
func fileName(r rune) rune {
	if strings.ContainsRune("/: ,'\"", r) {
		return '-'
	}
	return r
}
