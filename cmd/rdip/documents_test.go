package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// rdipCommand is a command as a page shows it: after a line's begin, a backquote or a word of a sentence.
var rdipCommand = regexp.MustCompile("(?m)(?:`|^|bin/)rdip ((?:[a-z][^`\n#|]*))")

// What the pages tell people to type are commands that there are, with flags that they have.
func TestTheCommandsOfTheDocumentsAreThere(t *testing.T) {
	for _, page := range []string{"../../docs/OPERATIONS.md", "../../README.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := rdipCommand.FindAllStringSubmatch(string(text), -1)
		if len(found) < 5 {
			t.Errorf("%s has %d commands", page, len(found))
		}
		for _, m := range found {
			words := wordsOf(m[1])
			if err := parses(words); err != nil && !strings.HasPrefix(err.Error(), "expected") { // named without its arguments
				t.Errorf("%s: rdip %s: %v", page, m[1], err)
			}
		}
	}
}

func parses(words []string) error {
	parser, err := kong.New(&cli{}, kong.Name("rdip"), kong.Exit(func(int) {}), kong.Vars{"version": "test"})
	if err != nil {
		return err
	}
	_, err = parser.Parse(words)
	return err
}

// wordsOf splits as a shell does, as far as quotes go.
func wordsOf(line string) []string {
	var words []string
	for _, m := range regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(strings.TrimSpace(line), -1) {
		words = append(words, strings.Trim(m, `'"`))
	}
	return words
}
