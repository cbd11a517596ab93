package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
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

// Released, in place of build tags, is a binary as a user has it, static and without the race detector: what they have
// resident would hide rdip's own memory.
const Released = "released"

// Binary builds rdip once for each set of build tags, with the race detector in it unless released, or RDIP_RACE=0.
func Binary(t *testing.T, tags ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	name := strings.Join(tags, ",")
	if path, ok := built.paths[name]; ok {
		return path
	}
	path := filepath.Join(testenv.SharedFolder(t, "binary-"+name), "rdip")
	args := []string{"build", "-race", "-tags", name}
	switch {
	case name == Released:
		args = args[:1]
	case os.Getenv("RDIP_RACE") == "0":
		args = slices.Delete(args, 1, 2)
	}
	build := exec.Command("go", append(args, "-o", path, "rdip/cmd/rdip")...)
	if name == Released {
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	built.paths[name] = path
	return path
}

// Daemon is one run of the rdip binary.
type Daemon struct {
	Cmd  *exec.Cmd
	Out  LockedBuffer
	Done chan struct{} // closed once the process is gone
	Err  error         // of its end, once done
}

// LockedBuffer gathers what a process writes, and can be read meanwhile.
type LockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *LockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *LockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Setup is what a test's daemon is configured with: the keys of a file, those of its connector "shop" below
// connectors.shop.
type Setup struct {
	dir    string
	latest *latest
	Keys   map[string]string
	Env    []string
	Tags   []string
	Path   string // of a binary that the caller has built; "" for Binary's, of Tags
	// Terminal: what daemons and commands write to stderr goes to a terminal.
	Terminal bool
}

// latest is the daemon that was started last, by any copy of a setup.
type latest struct{ *Daemon }

// NewSetup captures everything of a database into a cluster, with a state folder of the test's own.
func NewSetup(t *testing.T, pg *pgserver.Server, database, bootstrap, registry, prefix string) *Setup {
	t.Helper()
	dir := t.TempDir()
	host, port := Address(t, pg)
	keepEvidence(t, dir)
	return &Setup{dir: dir, latest: &latest{}, Keys: map[string]string{
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

// Address is where a server listens, as the configuration has it.
func Address(t *testing.T, pg *pgserver.Server) (host, port string) {
	t.Helper()
	return "127.0.0.1", fmt.Sprint(pg.Port())
}

// With is the same setup with some keys of the connector set.
func (s *Setup) With(keys ...string) *Setup {
	out := *s
	out.Keys = maps.Clone(s.Keys)
	for i := 0; i < len(keys); i += 2 {
		out.Keys[keys[i]] = keys[i+1]
	}
	return &out
}

// binary is what the daemon and the commands are started from.
func (s *Setup) binary(t *testing.T, tags ...string) string {
	t.Helper()
	if s.Path != "" {
		return s.Path
	}
	return Binary(t, tags...)
}

// File writes the configuration and gives its path.
func (s *Setup) File(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s.Keys)) {
		fmt.Fprintf(&b, "%s: %q\n", k, s.Keys[k])
	}
	path := filepath.Join(s.dir, "rdip.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Start runs the daemon, and ends it with the test if the test has not.
func (s *Setup) Start(t *testing.T) *Daemon {
	t.Helper()
	return s.StartFile(t, s.File(t))
}

// StartFile is start with a configuration that somebody else wrote.
func (s *Setup) StartFile(t *testing.T, path string) *Daemon {
	t.Helper()
	d := &Daemon{Done: make(chan struct{}), Cmd: exec.Command(s.binary(t, s.Tags...), "run", path)}
	d.Cmd.Env = append(os.Environ(), s.Env...)
	stderr, drained := s.stderr(t, &d.Out)
	d.Cmd.Stdout, d.Cmd.Stderr = &d.Out, stderr
	d.Cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if s.latest != nil {
		s.latest.Daemon = d
	}
	go func() {
		d.Err = d.Cmd.Wait()
		drained()
		close(d.Done)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what rdip wrote:\n%s", d.Out.String())
			d.goroutines(t)
		}
		d.Kill()
		if t.Failed() {
			_ = os.WriteFile(filepath.Join(s.dir, fmt.Sprintf("rdip-%d.log", d.Cmd.Process.Pid)), []byte(d.Out.String()), 0o600)
		}
		if strings.Contains(d.Out.String(), "DATA RACE") {
			t.Errorf("the race detector found a race:\n%s", d.Out.String())
		}
	})
	return d
}

// goroutines has a daemon that is there yet say its status, and where each goroutine of it waits, for the evidence.
func (d *Daemon) goroutines(t *testing.T) {
	t.Helper()
	if !d.Running() {
		return
	}
	if at := restAddress.FindStringSubmatch(d.Out.String()); at != nil {
		client := http.Client{Timeout: 5 * time.Second}
		if resp, err := client.Get("http://" + at[1] + "/connectors/shop/status"); err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			t.Logf("its status (%d): %s", resp.StatusCode, body)
		}
	}
	_ = d.Cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-d.Done:
	case <-time.After(10 * time.Second):
	}
}

// Kill ends the daemon as a power failure would.
func (d *Daemon) Kill() {
	_ = d.Cmd.Process.Kill()
	<-d.Done
}

// Running says whether the process is there.
func (d *Daemon) Running() bool {
	select {
	case <-d.Done:
		return false
	default:
		return true
	}
}

// Stop asks the daemon to end, and gives its exit code.
func (d *Daemon) Stop(t *testing.T) int {
	t.Helper()
	_ = d.Cmd.Process.Signal(syscall.SIGTERM)
	return d.Wait(t, 30*time.Second)
}

// Wait gives the exit code of a daemon that ends by itself.
func (d *Daemon) Wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-d.Done:
	case <-time.After(limit):
		t.Fatalf("rdip did not end within %v:\n%s", limit, d.Out.String())
	}
	var exit *exec.ExitError
	if d.Err != nil && !errors.As(d.Err, &exit) {
		t.Fatal(d.Err)
	}
	return d.Cmd.ProcessState.ExitCode()
}

// WaitFor waits until the daemon has written a text.
func (d *Daemon) WaitFor(t *testing.T, text string) {
	t.Helper()
	Eventually(t, "rdip to write "+text, func() bool {
		select {
		case <-d.Done:
			t.Fatalf("rdip ended:\n%s", d.Out.String())
		default:
		}
		return strings.Contains(d.Out.String(), text)
	})
}

// Patience is how long a condition may take that a loaded machine makes slow.
const Patience = 2 * time.Minute

// Eventually waits for a condition.
func Eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	for !ok() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("waited %v for %s", Patience, what)
		}
	}
}
