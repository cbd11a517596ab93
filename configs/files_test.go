package configs_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rdip/configs"
	"rdip/internal/fault"
)

var update = flag.Bool("update", false, "write the golden files")

// specimen is a connector with a key of every type.
type specimen struct {
	Name     string
	Port     int
	Password configs.Secret
	Wait     time.Duration
	Every    time.Duration
	Mode     string
	Tables   configs.Patterns
	Extra    map[string]string
}

func (c *specimen) Definition() *configs.Definition {
	d := configs.NewDefinition("Specimen")
	d.Group("Connection")
	d.String(&c.Name, "source.name", "Name of the source.", configs.Required(), configs.Rank(configs.High))
	d.Int(&c.Port, "source.port", "Port of the source.", configs.Default("5432"), configs.Between("1", "65535"), configs.Alias("source.old.port"))
	d.Secret(&c.Password, "source.password", "Password for the source.", configs.Required(), configs.Check(func(s string) error {
		if s == "refused" {
			return errors.New("not the text " + s)
		}
		return nil
	}))
	d.Group("Reading")
	d.Duration(&c.Wait, "source.wait.ms", "Time to wait.", configs.Default("100"), configs.Between("10", "1h"))
	d.Duration(&c.Every, "source.every", "Time between | two.", configs.Default("1m"), configs.Since("0.2"))
	configs.Enum(d, &c.Mode, "source.mode", "How to read.", []configs.Choice{
		{Value: "fast", Doc: "quickly."},
		{Value: "exact", Doc: "exactly."},
		{Value: "slow", Refused: "nobody wants it", Instead: "source.mode: exact"}}, configs.Default("exact"))
	d.Patterns(&c.Tables, "source.tables", "Tables to read.")
	d.Prefix(&c.Extra, "source.extra.", "Settings handed on.")
	return d
}

// check reads a file as `rdip check` does: every finding of every section.
func check(name string, data []byte) ([]specimen, fault.Findings) {
	file, found := configs.Parse(name, data)
	if file == nil {
		return nil, found
	}
	var w configs.Worker
	found = append(found, configs.Decode(file.Worker, w.Definition())...)
	found = append(found, w.Check(file)...)
	var all []specimen
	for _, s := range file.Connectors {
		var c specimen
		found = append(found, configs.Decode(s, c.Definition())...)
		all = append(all, c)
	}
	return all, found
}

func TestEveryBadFileIsRefusedWithAllItsFindings(t *testing.T) {
	t.Setenv("RDIP_TEST_CANARY", "canary-secret")
	for _, path := range files(t, "testdata/*.bad.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data := read(t, path)
			_, found := check(filepath.Base(path), data)
			if found.Err() == nil {
				t.Error("a bad file was accepted")
			}
			if fault.KindOf(found.Err()) != fault.Configuration {
				t.Errorf("kind %v", fault.KindOf(found.Err()))
			}
			got := found.Error() + "\n"
			if strings.Contains(got, "canary-secret") {
				t.Errorf("a secret is shown:\n%s", got)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", got)
		})
	}
}

func TestEveryGoodFileIsAcceptedWithNothingFatal(t *testing.T) {
	for _, path := range files(t, "testdata/*.good.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, found := check(filepath.Base(path), read(t, path))
			if err := found.Err(); err != nil {
				t.Errorf("refused:\n%v", err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", found.Error()+"\n")
		})
	}
}

func TestNestedAndDottedKeysGiveTheSameValues(t *testing.T) {
	all, _ := check("x", read(t, "testdata/nested.good.yaml"))
	if len(all) != 3 {
		t.Fatalf("%d connectors", len(all))
	}
	c := all[0]
	if c.Name != "main" || c.Port != 5433 || c.Wait != 250*time.Millisecond || c.Every != 90*time.Second || c.Mode != "fast" {
		t.Errorf("%+v", c)
	}
	if c.Password.Reveal() != "it's" || !c.Tables.Match("PUBLIC.AAA") || c.Tables.Match("public.aaaa") {
		t.Errorf("password or tables: %v", c.Tables)
	}
	if all[1].Name != "other" || all[2].Name != "third" {
		t.Errorf("names %q and %q", all[1].Name, all[2].Name)
	}
}

func TestTheExamplesForUsersHoldOnlyKeysThatWork(t *testing.T) {
	for _, path := range files(t, "examples/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, found := configs.Load(path)
			if err := found.Err(); err != nil {
				t.Fatal(err)
			}
			var w configs.Worker
			d := w.Definition()
			_ = configs.Decode(file.Worker, d)
			if err := w.Check(file).Err(); err != nil {
				t.Error(err)
			}
			for _, s := range append(file.Connectors, file.Worker) {
				for _, key := range s.Names() {
					if strings.HasPrefix(key, "row.filter.") || strings.HasPrefix(key, "topic.routing.") {
						continue // rdip's own, of packages above this one: cmd/rdip loads every example
					}
					known, ok := configs.Lookup(key, s == file.Worker)
					if d.Key(key) == nil && (!ok || known.Fate != configs.Supported || known.Worker != (s == file.Worker)) {
						t.Errorf("%s: %v, %v", s.Where(key), ok, known.Fate)
					}
				}
			}
		})
	}
}

func TestAFileThatIsTooLargeOrTooDeepOrNotTextIsRefusedBeforeItIsParsed(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"too large":   {strings.Repeat("# x\n", 70_000), "280000 bytes"},
		"too deep":    {"a: " + strings.Repeat("[", 100_000), "brackets nested too deep"},
		"not UTF-8":   {"a: \xff", "not UTF-8"},
		"a NUL byte":  {"a: \x00", "NUL"},
		"not a file":  {"", ""},
		"a long tail": {"a: b\n" + strings.Repeat("\t# x\n", 2), "tab"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want == "" {
				_, found := configs.Load(t.TempDir() + "/none.yaml")
				if found.Err() == nil || !strings.Contains(found.Error(), "no such file") {
					t.Errorf("%v", found)
				}
				return
			}
			file, found := configs.Parse("x.yaml", []byte(c.data))
			if file != nil || !strings.Contains(found.Error(), c.want) {
				t.Errorf("%v", found)
			}
		})
	}
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file matches %s (%v)", pattern, err)
	}
	return paths
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(read(t, path)); got != want {
		t.Errorf("%s: got\n%swant\n%s", path, got, want)
	}
}
