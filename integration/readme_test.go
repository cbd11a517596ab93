package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// readmeCommands are those of README's "A first pipeline on your own database", which the test below runs.
var readmeCommands = []string{
	"bin/rdip init 'postgres://postgres@localhost/shop' --embedded --state-dir ./state -o rdip.yaml",
	"grep '^#   ' rdip.yaml | cut -c5- | psql",
	"bin/rdip check rdip.yaml", "bin/rdip run rdip.yaml", "bin/rdip status",
	"bin/rdip tail 'shop.*' --from-beginning --bootstrap-server 127.0.0.1:PORT --schema-registry-url http://127.0.0.1:PORT",
}

var embeddedAddresses = regexp.MustCompile(`bootstrap\.servers=(\S+) schema\.registry\.url=(\S+)`)

// reader is somebody who follows README in a folder.
type reader struct {
	dir      string
	pg       *pgserver.Server
	database string
	role     string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	r := &reader{dir: t.TempDir(), pg: testenv.SharedPostgres(t, 18), role: testenv.Name("reader")}
	r.database = testenv.Database(t, r.pg)
	execute(t, r.pg, r.database, "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')")
	return r
}

func (r *reader) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env, c.Dir = append(os.Environ(), "RDIP_PASSWORD=secret"), r.dir
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// types runs a command and gives what it wrote.
func (r *reader) types(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := r.command(t, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// init has rdip look at the database, and runs what it says an administrator has to.
func (r *reader) init(t *testing.T) {
	t.Helper()
	r.types(t, harness.Binary(t), "init", r.pg.DSN("postgres", r.database), "--embedded", "--state-dir", "./state", "--name", "shop", "--role", r.role, "-o", "rdip.yaml")
	execute(t, r.pg, r.database, r.types(t, "sh", "-c", "grep '^#   ' rdip.yaml | cut -c5-"))
	execute(t, r.pg, r.database, "ALTER ROLE "+r.role+" PASSWORD 'secret'")
	t.Cleanup(func() {
		if err := r.pg.Exec(context.WithoutCancel(t.Context()), r.database, "DROP OWNED BY "+r.role+"; DROP ROLE "+r.role); err != nil {
			t.Error(err)
		}
	})
	f, err := os.OpenFile(filepath.Join(r.dir, "rdip.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("\nrest.listeners: 127.0.0.1:0\n") // another daemon may have the default
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *reader) run(t *testing.T) *harness.Daemon {
	t.Helper()
	d := &harness.Daemon{Done: make(chan struct{}), Cmd: r.command(t, harness.Binary(t), "run", "rdip.yaml")}
	d.Cmd.Stdout, d.Cmd.Stderr = &d.Out, &d.Out
	if err := d.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		d.Err = d.Cmd.Wait()
		close(d.Done)
	}()
	t.Cleanup(d.Kill)
	d.WaitFor(t, "state=streaming")
	return d
}

func TestTheFirstPipelineOfTheREADMEWorks(t *testing.T) {
	r := newReader(t)
	r.init(t)
	if said := r.types(t, harness.Binary(t), "check", "rdip.yaml"); !strings.Contains(said, "0 errors, 0 warnings") {
		t.Errorf("rdip check said\n%s", said)
	}
	d := r.run(t)
	execute(t, r.pg, r.database, "UPDATE orders SET note = 'b'")
	if said := r.types(t, harness.Binary(t), "status", "--url", d.REST(t)); !strings.Contains(said, "RUNNING") || !strings.Contains(said, "public.orders") {
		t.Errorf("rdip status said\n%s", said)
	}
	address := embeddedAddresses.FindStringSubmatch(d.Out.String())
	if address == nil {
		t.Fatalf("rdip run does not say where the embedded servers are:\n%s", d.Out.String())
	}
	said := r.types(t, harness.Binary(t), "tail", "shop.*", "--from-beginning", "--max", "2", "--bootstrap-server", address[1], "--schema-registry-url", address[2])
	for _, event := range []string{"read", "id=1", "note: a", "update", "note: b"} {
		if !strings.Contains(said, event) {
			t.Errorf("rdip tail does not show %q:\n%s", event, said)
		}
	}
	if code := d.Stop(t); code != 0 {
		t.Errorf("rdip ended with exit code %d", code)
	}
}

func TestTheREADMEHasTheCommandsThatAreTested(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range readmeCommands {
		if !strings.Contains(string(page), command) {
			t.Errorf("README.md lacks: %s", command)
		}
	}
	head := string(page[:strings.Index(string(page), "## A first pipeline")])
	if demo, test := strings.Index(head, "make demo"), strings.Index(head, "make test"); demo < 0 || test < demo {
		t.Error("README.md does not begin with make demo and make test")
	}
}
