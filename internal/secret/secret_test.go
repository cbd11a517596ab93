package secret_test

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

	"rdip/internal/secret"
)

const canary = "canary-7f3a"

// hidden holds secrets in every place that a printer might reach by a way of its own.
type hidden struct {
	Field    secret.Text
	Pointer  *secret.Text
	List     []secret.Text
	Map      map[string]secret.Text
	private  secret.Text
	embedded struct{ secret.Text }
}

func TestASecretPrintsNowhere(t *testing.T) {
	s := secret.New(canary)
	h := hidden{Field: s, Pointer: &s, List: []secret.Text{s}, Map: map[string]secret.Text{"k": s}, private: s}
	h.embedded.Text = s
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
	if s.Reveal() != canary || s.String() != secret.Redacted {
		t.Errorf("Reveal %q, String %q", s.Reveal(), s)
	}
}

func TestSecretsAreComparedByText(t *testing.T) {
	a, b, c := secret.New("x"), secret.New("x"), secret.New("y")
	if !a.Equal(b) || a.Equal(c) || a.Equal(secret.Text{}) || !(secret.Text{}).Equal(secret.New("")) {
		t.Error("Equal is wrong")
	}
	if a.IsEmpty() || !(secret.Text{}).IsEmpty() {
		t.Error("IsEmpty is wrong")
	}
}
