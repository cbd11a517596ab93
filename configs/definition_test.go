package configs_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rdip/configs"
)

func TestAMistakeInADefinitionPanics(t *testing.T) {
	var s string
	var n int
	for name, define := range map[string]func(d *configs.Definition){
		"a key twice":                  func(d *configs.Definition) { d.String(&s, "a", "A."); d.String(&s, "a", "A.") },
		"an alias of another key":      func(d *configs.Definition) { d.String(&s, "a", "A."); d.String(&s, "b", "B.", configs.Alias("a")) },
		"no documentation":             func(d *configs.Definition) { d.String(&s, "a", "") },
		"a default that does not fit":  func(d *configs.Definition) { d.Int(&n, "a", "A.", configs.Default("x")) },
		"a default beyond the bounds":  func(d *configs.Definition) { d.Int(&n, "a", "A.", configs.Default("3"), configs.Between("4", "")) },
		"bounds that are not a number": func(d *configs.Definition) { d.Int(&n, "a", "A.", configs.Default("3"), configs.Between("x", "")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			define(configs.NewDefinition("x"))
		})
	}
}

func TestTwoDefinitionsMustNotTakeTheSameKey(t *testing.T) {
	var a, b specimen
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "source.name") {
			t.Errorf("panic %q", text)
		}
	}()
	_ = configs.Decode(configs.FromMap("x", "c", nil), a.Definition(), b.Definition())
}

func TestOverridesReplaceOnlyWhatIsGivenBelowTheirPrefix(t *testing.T) {
	type producer struct {
		Linger time.Duration
		Batch  int64
	}
	define := func(c *producer, d *configs.Definition) *configs.Definition {
		d.Duration(&c.Linger, "linger.ms", "Time to wait.", configs.Default("5"))
		d.Bytes(&c.Batch, "batch.size", "Size of a batch.", configs.Default("1MiB"), configs.Required())
		return d
	}
	var worker producer
	_ = configs.Decode(configs.FromMap("f", "", map[string]string{"batch.size": "64"}), define(&worker, configs.NewDefinition("Producer")))
	one := worker
	d := define(&one, configs.NewOverrides("Producer", "producer.override."))
	s := configs.FromMap("f", "shop", map[string]string{"producer.override.linger.ms": "7"})
	if found := configs.Decode(s, d); len(found) > 0 {
		t.Errorf("%v", found)
	}
	if one.Linger != 7*time.Millisecond || one.Batch != 64 || worker.Linger != 5*time.Millisecond {
		t.Errorf("worker %+v, one %+v", worker, one)
	}
	if got := configs.Effective(s, d); len(got) != 1 || got["producer.override.linger.ms"] != "7" {
		t.Errorf("%v", got)
	}
}

func TestTheDocumentationIsMadeFromTheDefinitions(t *testing.T) {
	var w configs.Worker
	var c specimen
	var b bytes.Buffer
	if err := configs.Markdown(&b, []*configs.Definition{w.Definition(), c.Definition()}); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/markdown.golden.md", b.String())
	if names := c.Definition().Names(); len(names) != 8 || names[0] != "source.name" || names[7] != "source.extra." {
		t.Errorf("%q", names)
	}
}
