package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Error                   *struct{ Err string }
}

// checker type-checks packages against the compiled form of what they import, which takes a hundredth of compiling
// them.
type checker struct {
	byFolder map[string]listed // of this module
	exports  map[string]string // import path to file
	files    *token.FileSet
	importer types.Importer
}

// newChecker lists the daemon and everything in it.
func newChecker(root string) (*checker, error) {
	list := exec.Command("go", "list", "-tags", "failpoints", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,Error", "./cmd/rdip")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	c := &checker{byFolder: map[string]listed{}, exports: map[string]string{}, files: token.NewFileSet()}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		c.byFolder[p.Dir], c.exports[p.ImportPath] = p, p.Export
	}
	c.importer = importer.ForCompiler(c.files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(c.exports[path]) })
	return c, nil
}

// check type-checks the package in a folder, with some of its files replaced.
func (c *checker) check(folder string, replaced map[string]string) error {
	p, ok := c.byFolder[folder]
	if !ok {
		return fmt.Errorf("%s is no part of the daemon", folder)
	}
	var parsed []*ast.File
	for _, name := range p.GoFiles {
		path := filepath.Join(folder, name)
		if other, ok := replaced[path]; ok {
			path = other
		}
		f, err := parser.ParseFile(c.files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, f)
	}
	_, err := (&types.Config{Importer: c.importer}).Check(p.ImportPath, c.files, parsed, nil)
	return err
}
