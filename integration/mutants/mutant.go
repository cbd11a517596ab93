package mutants

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Mutant is one bug that rdip does not have, and who must notice if it had.
type Mutant struct {
	Name     string   // as a file would be named
	Says     string   // what the bug does, as one would tell it
	Edits    []Edit   // all of them make the bug
	Scenario string   // that must catch it
	Judges   []string // of which one must speak
	Short    bool     // part of make test
}

// Edit puts New in place of Old, which must be in the file exactly once.
type Edit struct{ File, Old, New string }

// Root is the module's folder.
func Root() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	return strings.TrimSpace(string(out)), err
}

// write writes the mutated files into dir, and says which file of the tree each stands for. An edit whose text is not
// in its file exactly once is an error: the code has moved on, and the mutant has to follow.
func (m *Mutant) write(root, dir string) (replaced map[string]string, err error) {
	replaced, texts := map[string]string{}, map[string]string{}
	for _, e := range m.Edits {
		path := filepath.Join(root, e.File)
		text, seen := texts[path]
		if !seen {
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, fmt.Errorf("mutant %s: %s has its text %d times, not once:\n%s", m.Name, e.File, n, e.Old)
		}
		texts[path] = strings.Replace(text, e.Old, e.New, 1)
	}
	for path, text := range texts {
		replaced[path] = filepath.Join(dir, fmt.Sprintf("%s-%d.go", m.Name, len(replaced)))
		if err := os.WriteFile(replaced[path], []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return replaced, nil
}

// overlay writes what go build -overlay wants to know, and gives its path.
func (m *Mutant) overlay(root, dir string) (string, error) {
	replaced, err := m.write(root, dir)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, m.Name+".json")
	return path, os.WriteFile(path, b, 0o600)
}

// binary builds rdip with the mutant planted, nil for rdip as it is. It has the failpoints, and no race detector:
// the detector would take most of the time, and looks for what no mutant does.
func binary(t *testing.T, root string, m *Mutant) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "rdip")
	args := []string{"build", "-tags", "failpoints", "-o", path}
	if m != nil {
		overlay, err := m.overlay(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "-overlay", overlay)
	}
	build := exec.Command("go", append(args, "./cmd/rdip")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the mutant does not build, which catches nothing: %v\n%s", err, out)
	}
	return path
}
