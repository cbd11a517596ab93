// Command install fetches the real servers and clients that the tests use, once, into the cache, and
// skips what is there: `make deps`. With arguments it installs the components they name, which may also
// be golangci-lint: `make lint`. With -path and a name it prints where that component lies.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
)

// step is one component and the way to install it.
type step struct {
	component component.Component
	install   func(context.Context) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == "-path" {
		printPath(os.Args[2])
		return
	}
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "install: %v\n", err)
		os.Exit(1)
	}
}

// printPath prints where an installed component lies.
func printPath(name string) {
	for _, s := range steps() {
		if s.component.Name != name {
			continue
		}
		path, err := s.component.Path()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(path)
		return
	}
	fmt.Fprintf(os.Stderr, "unknown component %q\n", name)
	os.Exit(1)
}

// run installs what is missing, goes on after a failure, and reports every failure at the end.
func run(ctx context.Context, names []string) error {
	missing, err := wanted(steps(), names)
	if err != nil {
		return err
	}
	fmt.Printf("cache: %s\n", component.CacheDir())
	if len(missing) == 0 {
		fmt.Println("everything is installed")
		return nil
	}
	if err := os.MkdirAll(component.CacheDir(), 0o755); err != nil {
		return err
	}
	unlock, err := process.Lock(filepath.Join(component.CacheDir(), "install.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if missing, err = wanted(steps(), names); err != nil { // another install may have ended meanwhile
		return err
	}
	var failures []error
	if err := fetchJars(ctx, missing); err != nil {
		failures = append(failures, err)
	}
	for _, s := range missing {
		if err := installOne(ctx, s); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", s.component.Name, err))
		}
	}
	return errors.Join(failures...)
}

func installOne(ctx context.Context, s step) error {
	if s.component.Installed() { // the Maven call brought it
		fmt.Printf("%-15s done\n", s.component.Name)
		return nil
	}
	fmt.Printf("%-15s installing\n", s.component.Name)
	start := time.Now()
	if err := s.install(ctx); err != nil {
		return err
	}
	if _, err := s.component.Path(); err != nil {
		return err
	}
	fmt.Printf("%-15s done in %.1f s\n", s.component.Name, time.Since(start).Seconds())
	return nil
}

// wanted are the steps for the names that are not installed yet; for no names, all that tests need and this user
// can install.
func wanted(all []step, names []string) ([]step, error) {
	known := map[string]step{}
	var order, tests []string
	for _, s := range all {
		known[s.component.Name] = s
		order = append(order, s.component.Name)
		if s.component.Name != component.Linter().Name && (!s.component.Root || os.Geteuid() == 0) {
			tests = append(tests, s.component.Name)
		}
	}
	if len(names) == 0 {
		names = tests
	}
	var missing []step
	for _, name := range names {
		s, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("unknown component %q; there are %s", name, strings.Join(order, ", "))
		}
		if !s.component.Installed() {
			missing = append(missing, s)
		}
	}
	return missing, nil
}

func steps() []step {
	var all []step
	for _, major := range component.PostgresMajors {
		all = append(all, step{component.Postgres(major), func(context.Context) error { return unpackPostgres(major) }})
	}
	return append(all,
		step{component.Java(), apt("openjdk-17-jre-headless")},
		step{component.JavaCompiler(), apt("openjdk-17-jdk-headless")},
		step{component.CCompiler(), apt("gcc", "libc6-dev")},
		step{component.SystemdAnalyze(), apt("systemd")},
		step{component.Localedef(), apt("locales")},
		step{component.Kafka(), func(context.Context) error { return notFetched("kafka") }},
		step{component.Registry(), installRegistry},
		step{component.Kcat(), apt("kcat")},
		step{component.Python(), installPython},
		step{component.PostgresExtensions(), installExtensions},
		step{component.Linter(), installLinter},
	)
}

// postgresMajor is the major version in a component's name, 0 for other components.
func postgresMajor(c component.Component) int {
	text, ok := strings.CutPrefix(c.Name, "postgres-")
	if !ok {
		return 0
	}
	major, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return major
}
