package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/component"
)

// demo is a running rdip demo.
type demo struct {
	cmd       *exec.Cmd
	out, errs harness.LockedBuffer
	done      chan struct{}
	err       error
}

// nobody is an unprivileged user and group.
const nobody = 65534

// startDemo runs rdip demo as root or, of those who may choose, as nobody, whose home is a folder of the test's.
func startDemo(t *testing.T, unprivileged bool, args ...string) *demo {
	t.Helper()
	testenv.Need(t, component.Postgres(18))
	d := &demo{done: make(chan struct{}), cmd: exec.Command(harness.Binary(t), append([]string{"demo"}, args...)...)}
	d.cmd.Stdout, d.cmd.Stderr = &d.out, &d.errs
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if unprivileged {
		d.asNobody(t)
	}
	d.start(t)
	return d
}

// asNobody finds PostgreSQL through PATH only: root's cache is not nobody's to write to.
func (d *demo) asNobody(t *testing.T) {
	t.Helper()
	bin, err := component.Postgres(18).Path()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("/tmp", "rdip-nobody") //nolint:usetesting // t.TempDir's parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	d.cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":/usr/bin:/bin"}
	d.cmd.Dir = home
	d.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
}

func (d *demo) start(t *testing.T) {
	t.Helper()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		<-d.done
		if t.Failed() {
			t.Logf("what rdip demo wrote:\n%s\n%s", d.out.String(), d.errs.String())
		}
		if strings.Contains(d.errs.String(), "DATA RACE") {
			t.Error("the race detector found a race")
		}
	})
}

// end waits for the demo to end, with exit code 0.
func (d *demo) end(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case <-d.done:
	case <-time.After(limit):
		t.Fatalf("rdip demo did not end within %s", limit)
	}
	if d.err != nil {
		t.Errorf("rdip demo ended with %v", d.err)
	}
}

// mustBeGone fails when the demo has left a process or a folder behind.
func (d *demo) mustBeGone(t *testing.T) {
	t.Helper()
	if left := d.folders(t); len(left) > 0 {
		t.Errorf("folders are left: %v", left)
	}
	if left := d.servers(t); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

// folders are the demo's temporary ones, which have its pid in their names.
func (d *demo) folders(t *testing.T) []string {
	t.Helper()
	left, err := filepath.Glob(fmt.Sprintf("/tmp/rdip-*-%d-*", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// servers are the processes that were started in the demo's folders.
func (d *demo) servers(t *testing.T) (left []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprintf("/rdip-pg-%d-", d.cmd.Process.Pid)
	for _, file := range all {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(mark)) {
			left = append(left, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return left
}

var (
	eventLine   = regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3}  public\.\w+ +(read|create|update|delete) +\w+=\S+ .*\(\d+ m?s\)$`)
	schemaLine  = regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3}  public\.customers +schema +added tier \(string\)  \(schema id \d+\)$`)
	summaryLine = regexp.MustCompile(`^(\d+) events, \d+/s, p50 \d+ ms, p99 \d+ ms$`)
)

// shown are the lines below the introduction, and the number in the summary, which is the last one.
func (d *demo) shown(t *testing.T) (events []string, summed int) {
	t.Helper()
	lines := strings.Split(strings.TrimRight(d.out.String(), "\n"), "\n")
	last := summaryLine.FindStringSubmatch(lines[len(lines)-1])
	if last == nil {
		t.Fatalf("the last line is %q, needed is N events, N/s, p50 N ms, p99 N ms", lines[len(lines)-1])
	}
	summed, _ = strconv.Atoi(last[1])
	for i, line := range lines[:len(lines)-1] {
		if line == "" {
			return lines[i+1 : len(lines)-1], summed
		}
	}
	t.Fatal("there is no introduction")
	return nil, 0
}

func TestTheDemoShowsAShopsChangesAndLeavesNothingBehind(t *testing.T) {
	for name, unprivileged := range map[string]bool{"as the user of the tests": false, "as a user without privileges": true} {
		t.Run(name, func(t *testing.T) {
			if unprivileged && os.Geteuid() != 0 {
				t.Skip("the tests' own user has no privileges to drop: the other run is this one")
			}
			d := startDemo(t, unprivileged, "--for", "8s", "--rate", "3")
			d.end(t, 60*time.Second)
			d.mustBeGone(t)
			events, summed := d.shown(t)
			rows, schemas := 0, 0
			for _, line := range events {
				switch {
				case eventLine.MatchString(line):
					rows++
				case schemaLine.MatchString(line):
					schemas++
				default:
					t.Errorf("unexpected line: %q", line)
				}
			}
			if rows != summed || schemas != 1 {
				t.Errorf("%d events and %d schema changes, the summary says %d events", rows, schemas, summed)
			}
			for what, text := range map[string]string{
				"a row of the snapshot": "read       id=1 ",
				"a create":              "create     id=3 ",
				"an update":             "status: new → paid",
				"a delete":              "delete     id=3 ",
				"a deleted row":         "was customer_id: ",
				"P7: the old key":       "key becomes sku=",
				"P7: the new key":       "key was sku=",
				"P15: the new column":   "tier: null → ",
			} {
				if !strings.Contains(strings.Join(events, "\n"), text) {
					t.Errorf("%s is not shown: no %q", what, text)
				}
			}
			if strings.Contains(d.out.String(), "\x1b") {
				t.Error("colours where there is no terminal")
			}
		})
	}
}

func TestASeedRepeatsTheDemosChanges(t *testing.T) {
	var runs [2][]string
	for i := range runs {
		d := startDemo(t, false, "--for", "3s", "--rate", "5", "--seed", "7")
		d.end(t, 60*time.Second)
		for _, line := range first(d, t) {
			runs[i] = append(runs[i], regexp.MustCompile(`^\S+ +| +\(\d+ m?s\)$`).ReplaceAllString(line, ""))
		}
	}
	if fmt.Sprint(runs[0]) != fmt.Sprint(runs[1]) {
		t.Errorf("two runs with one seed differ:\n%s\n\n%s", strings.Join(runs[0], "\n"), strings.Join(runs[1], "\n"))
	}
}

// first are the first changes of customers, whose order is that of one topic.
func first(d *demo, t *testing.T) []string {
	events, _ := d.shown(t)
	var out []string
	for _, line := range events {
		if strings.Contains(line, "public.orders ") && len(out) < 6 {
			out = append(out, line)
		}
	}
	if len(out) < 6 {
		t.Fatalf("only %d changes of orders", len(out))
	}
	return out
}

func TestASignalEndsTheDemoSoonAndCleanly(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			d := startDemo(t, false, "--rate", "20")
			harness.Eventually(t, "an update", func() bool { return strings.Contains(d.out.String(), " update ") })
			if err := d.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			d.end(t, 10*time.Second)
			d.mustBeGone(t)
			if _, summed := d.shown(t); summed == 0 {
				t.Error("the summary counts nothing")
			}
		})
	}
}

func TestASignalWhileTheDemoStartsLeavesNothingBehind(t *testing.T) {
	for _, after := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			d := startDemo(t, false)
			time.Sleep(after)
			if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case <-d.done:
			case <-time.After(10 * time.Second):
				t.Fatal("rdip demo did not end")
			}
			d.mustBeGone(t)
		})
	}
}

func TestTheServerDiesWithADemoThatIsKilled(t *testing.T) {
	d := startDemo(t, false, "--rate", "20")
	harness.Eventually(t, "an update", func() bool { return strings.Contains(d.out.String(), " update ") })
	if len(d.servers(t)) == 0 {
		t.Fatal("no server is found: the check itself is broken")
	}
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.done
	harness.Eventually(t, "PostgreSQL to end", func() bool { return len(d.servers(t)) == 0 })
	for _, dir := range d.folders(t) { // the next rdip would sweep them, an hour from now
		os.RemoveAll(dir)
	}
}

func TestAVisitorsOwnChangesAreShownAndDoNotEndTheDemo(t *testing.T) {
	d := startDemo(t, false, "--rate", "20")
	harness.Eventually(t, "the demo's introduction", func() bool { return strings.Contains(d.out.String(), " update ") })
	dsn := regexp.MustCompile(`psql '([^']+)'`).FindStringSubmatch(d.out.String())
	if dsn == nil {
		t.Fatal("no connection string is shown")
	}
	visitor, err := pgx.Connect(t.Context(), dsn[1])
	if err != nil {
		t.Fatal(err)
	}
	defer visitor.Close(context.Background())
	const sql = `INSERT INTO customers (name, email) VALUES ('Zoe', 'zoe@example.com'); DELETE FROM order_items; DELETE FROM orders;
		UPDATE products SET sku = 'gone-' || sku; ALTER TABLE customers ADD COLUMN newsletter boolean`
	if err := visitor.PgConn().Exec(t.Context(), sql).Close(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the visitor's own change", func() bool { return strings.Contains(d.out.String(), "name: Zoe") })
	seen := len(d.out.String())
	harness.Eventually(t, "the shop to go on", func() bool { return strings.Contains(d.out.String()[seen:], " create ") })
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	d.end(t, 10*time.Second)
	d.mustBeGone(t)
}

func TestTheDemoEndsWhenNobodyReadsItAnyMore(t *testing.T) {
	testenv.Need(t, component.Postgres(18))
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{done: make(chan struct{}), cmd: exec.Command(harness.Binary(t), "demo", "--rate", "20")}
	d.cmd.Stdout, d.cmd.Stderr = writer, &d.errs
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	d.start(t)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	reader.Close()
	d.end(t, 30*time.Second)
	d.mustBeGone(t)
}

// A canary: what is for tests stays out of the binary. github.com/fergusstrange/embedded-postgres has a test
// in a file that is not named like one; it is the only one that may.
func TestTheBinaryIsNotMadeOfTests(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}}: {{join .Imports " "}} `, "rdip/cmd/rdip").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out, []byte("rdip/integration/testenv/pgserver: ")) {
		t.Fatal("the demo's server is not among the binary's parts: the check itself is broken")
	}
	for line := range strings.Lines(string(out)) {
		name, imports, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		for _, path := range []string{"testing", "rdip/integration/testenv", "go.uber.org/goleak", "pgregory.net/rapid"} {
			if strings.Contains(" "+imports, " "+path+" ") && name != "github.com/fergusstrange/embedded-postgres" {
				t.Errorf("%s, a part of rdip, imports %s", name, path)
			}
		}
	}
}
