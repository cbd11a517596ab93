package configs_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"rdip/configs"
)

const canary = "canary-7f3a"

// hidden holds secrets in every place that a printer might reach by a way of its own.
type hidden struct {
	Field    configs.Secret
	Pointer  *configs.Secret
	List     []configs.Secret
	Map      map[string]configs.Secret
	private  configs.Secret
	embedded struct{ configs.Secret }
}

func TestASecretPrintsNowhere(t *testing.T) {
	s := configs.NewSecret(canary)
	h := hidden{Field: s, Pointer: &s, List: []configs.Secret{s}, Map: map[string]configs.Secret{"k": s}, private: s}
	h.embedded.Secret = s
	printers := map[string]func(v any) string{
		"json": func(v any) string { b, _ := json.Marshal(v); return string(b) },
		"yaml": func(v any) string { b, _ := yaml.Marshal(v); return string(b) },
		"xml":  func(v any) string { b, _ := xml.Marshal(v); return string(b) },
		"slog text": func(v any) string {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})).Debug("m", "v", v)
			return b.String()
		},
		"slog json": func(v any) string {
			var b bytes.Buffer
			slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})).Debug("m", "v", v)
			return b.String()
		},
		"an error":    func(v any) string { return fmt.Errorf("connect: %w: %v", errors.New("x"), v).Error() },
		"a panic":     func(v any) (text string) { defer func() { text = fmt.Sprint(recover()) }(); panic(v) },
		"fmt.Sprint":  func(v any) string { return fmt.Sprint(v) },
		"fmt.Sprintf": nil,
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T", "%10.3v", "%t"} {
		printers["fmt "+verb] = func(v any) string { return fmt.Sprintf(verb, v) }
	}
	delete(printers, "fmt.Sprintf")
	for name, print := range printers {
		for what, v := range map[string]any{"a secret": s, "a pointer to one": &s, "a struct": h, "a pointer to a struct": &h} {
			t.Run(name+" of "+what, func(t *testing.T) {
				got := print(v)
				if strings.Contains(got, canary) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", canary)) {
					t.Errorf("shown: %s", got)
				}
			})
		}
	}
	if s.Reveal() != canary || s.String() != configs.Redacted {
		t.Errorf("Reveal %q, String %q", s.Reveal(), s)
	}
}

func TestSecretsAreComparedByText(t *testing.T) {
	a, b, c := configs.NewSecret("x"), configs.NewSecret("x"), configs.NewSecret("y")
	if !a.Equal(b) || a.Equal(c) || a.Equal(configs.Secret{}) || !(configs.Secret{}).Equal(configs.NewSecret("")) {
		t.Error("Equal is wrong")
	}
	if a.IsEmpty() || !(configs.Secret{}).IsEmpty() {
		t.Error("IsEmpty is wrong")
	}
}
