package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// built holds the binaries that this process has built, by their build tags.
var built = struct {
	sync.Mutex
	paths map[string]string
}{paths: map[string]string{}}

// released, in place of build tags, is a binary as a user has it: without the race detector, whose memory
// would hide rdip's own.
const released = "released"

// rdipBinary builds rdip once for each set of build tags, with the race detector in it unless released.
func rdipBinary(t *testing.T, tags ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	name := strings.Join(tags, ",")
	if path, ok := built.paths[name]; ok {
		return path
	}
	path := filepath.Join(testenv.SharedFolder(t, "binary-"+name), "rdip")
	args := []string{"build", "-race", "-tags", name}
	if name == released {
		args = args[:1]
	}
	build := exec.Command("go", append(args, "-o", path, "rdip/cmd/rdip")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	built.paths[name] = path
	return path
}

// daemon is one run of the rdip binary.
type daemon struct {
	cmd  *exec.Cmd
	out  lockedBuffer
	done chan struct{} // closed once the process is gone
	err  error         // of its end, once done
}

// lockedBuffer gathers what a process writes, and can be read meanwhile.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// setup is what a test's daemon is configured with: the keys of a file, those of its connector "shop" below
// connectors.shop.
type setup struct {
	dir  string
	keys map[string]string
	env  []string
	tags []string
}

// newSetup captures everything of a database into a cluster, with a state folder of the test's own.
func newSetup(t *testing.T, pg *pgserver.Server, database, bootstrap, registry, prefix string) *setup {
	t.Helper()
	dir := t.TempDir()
	host, port := address(t, pg)
	return &setup{dir: dir, keys: map[string]string{
		"bootstrap.servers":                 bootstrap,
		"schema.registry.url":               registry,
		"state.dir":                         filepath.Join(dir, "state"),
		"rest.listeners":                    "127.0.0.1:0",
		"offset.flush.interval.ms":          "50ms",
		"connectors.shop.connector.class":   "postgres",
		"connectors.shop.database.hostname": host,
		"connectors.shop.database.port":     port,
		"connectors.shop.database.dbname":   database,
		"connectors.shop.database.user":     pgserver.Superuser,
		"connectors.shop.database.sslmode":  "disable",
		"connectors.shop.topic.prefix":      prefix,
		"connectors.shop.slot.name":         prefix,
		"connectors.shop.publication.name":  prefix,
	}}
}

func address(t *testing.T, pg *pgserver.Server) (host, port string) {
	t.Helper()
	return "127.0.0.1", fmt.Sprint(pg.Port())
}

// with is the same setup with some keys of the connector set.
func (s *setup) with(keys ...string) *setup {
	out := *s
	out.keys = maps.Clone(s.keys)
	for i := 0; i < len(keys); i += 2 {
		out.keys[keys[i]] = keys[i+1]
	}
	return &out
}

// file writes the configuration and gives its path.
func (s *setup) file(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s.keys)) {
		fmt.Fprintf(&b, "%s: %q\n", k, s.keys[k])
	}
	path := filepath.Join(s.dir, "rdip.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs the daemon, and ends it with the test if the test has not.
func (s *setup) start(t *testing.T) *daemon {
	t.Helper()
	return s.startFile(t, s.file(t))
}

// startFile is start with a configuration that somebody else wrote.
func (s *setup) startFile(t *testing.T, path string) *daemon {
	t.Helper()
	d := &daemon{done: make(chan struct{}), cmd: exec.Command(rdipBinary(t, s.tags...), "run", path)}
	d.cmd.Env = append(os.Environ(), s.env...)
	d.cmd.Stdout, d.cmd.Stderr = &d.out, &d.out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(func() {
		d.kill()
		if t.Failed() {
			t.Logf("what rdip wrote:\n%s", d.out.String())
		}
		if strings.Contains(d.out.String(), "DATA RACE") {
			t.Errorf("the race detector found a race:\n%s", d.out.String())
		}
	})
	return d
}

// kill ends the daemon as a power failure would.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// stop asks the daemon to end, and gives its exit code.
func (d *daemon) stop(t *testing.T) int {
	t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	return d.wait(t, 30*time.Second)
}

// wait gives the exit code of a daemon that ends by itself.
func (d *daemon) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-d.done:
	case <-time.After(limit):
		t.Fatalf("rdip did not end within %v:\n%s", limit, d.out.String())
	}
	var exit *exec.ExitError
	if d.err != nil && !errors.As(d.err, &exit) {
		t.Fatal(d.err)
	}
	return d.cmd.ProcessState.ExitCode()
}

// waitFor waits until the daemon has written a text.
func (d *daemon) waitFor(t *testing.T, text string) {
	t.Helper()
	eventually(t, "rdip to write "+text, func() bool {
		select {
		case <-d.done:
			t.Fatalf("rdip ended:\n%s", d.out.String())
		default:
		}
		return strings.Contains(d.out.String(), text)
	})
}

// patience is how long a condition may take that a loaded machine makes slow.
const patience = 60 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !ok() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
