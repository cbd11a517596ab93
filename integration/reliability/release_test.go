package reliability

import (
	"bytes"
	"debug/elf"
	"os"
	"strings"
	"testing"

	"rdip/integration/harness"
)

// A binary as a user has it cannot be killed by an environment variable: neither the variable nor the functions that
// look at it are in it. The same look finds both in the binary that is made for the tests.
func TestAReleaseHoldsNoPointOfACrash(t *testing.T) {
	for tag, want := range map[string]bool{harness.Released: false, "failpoints": true} {
		path := harness.Binary(t, tag)
		contents, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(contents, []byte("RDIP_FAILPOINT")); got != want {
			t.Errorf("%s: it knows the variable: %t", tag, got)
		}
		if got := killer(t, path); got != want {
			t.Errorf("%s: it holds a function that reads it: %t", tag, got)
		}
	}
}

// killer says whether a binary holds the function that reads the variable.
func killer(t *testing.T, path string) bool {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Skip("this is no ELF binary: ", err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if strings.HasPrefix(s.Name, "rdip/internal/failpoint.parse") {
			return true
		}
	}
	return false
}
