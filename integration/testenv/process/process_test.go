package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("RDIP_TEST_PARENT"); dir != "" {
		beParent(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// beParent starts a child that would run for an hour, writes down its pid and waits to be killed.
func beParent(dir string) {
	p, err := Start(shell("exec sleep 3600"))
	if err != nil {
		panic(err)
	}
	partial := filepath.Join(dir, "partial")
	if err := os.WriteFile(partial, []byte(strconv.Itoa(p.Pid())), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(partial, filepath.Join(dir, "pid")); err != nil {
		panic(err)
	}
	time.Sleep(time.Hour)
}

func shell(script string) Command {
	return Command{Path: "/bin/sh", Args: []string{"-c", script}}
}

// eventually fails the test unless the condition holds within ten seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestAChildDiesWithAParentThatIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a parent-death signal")
	}
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "RDIP_TEST_PARENT="+dir)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	eventually(t, "the parent has started its child", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(string(text))
		return err == nil
	})
	if !alive(child) {
		t.Fatal("the child does not run")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	eventually(t, "the child is gone", func() bool { return !running(child) })
}

// running is alive without counting a zombie that nobody has waited for.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func TestStopSaysWhenItHadToKill(t *testing.T) {
	cases := []struct {
		name, script string
		killed       bool
	}{
		{"a child that heeds the signal", "echo ready; exec sleep 3600", false},
		{"a child that ignores the signal", "trap '' TERM; echo ready; while :; do sleep 0.05; done", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			command := shell(c.script)
			command.Log = filepath.Join(t.TempDir(), "log")
			p, err := Start(command)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the child is ready", func() bool { return Tail(command.Log, 1) == "ready" })
			grace := time.Minute
			if c.killed {
				grace = 100 * time.Millisecond
			}
			err = p.Stop(syscall.SIGTERM, grace)
			if killed := err != nil && strings.Contains(err.Error(), "was killed"); killed != c.killed {
				t.Errorf("Stop says %v", err)
			}
			if p.Running() || alive(p.Pid()) {
				t.Error("it still runs")
			}
		})
	}
}

func TestKillEndsGrandchildrenToo(t *testing.T) {
	command := shell("sleep 3600 & echo $!; wait")
	command.Log = filepath.Join(t.TempDir(), "log")
	p, err := Start(command)
	if err != nil {
		t.Fatal(err)
	}
	var grandchild int
	eventually(t, "the grandchild has started", func() bool {
		grandchild, err = strconv.Atoi(Tail(command.Log, 1))
		return err == nil && alive(grandchild)
	})
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the grandchild is gone", func() bool { return !running(grandchild) })
}

func TestRunReportsTheExitStatusAndHeedsItsContext(t *testing.T) {
	if err := Run(t.Context(), shell("exit 0")); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := Run(t.Context(), shell("exit 3")); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("got %v, want exit status 3", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Run(ctx, shell("sleep 3600")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := Run(t.Context(), Command{Path: "/nonexistent/program"}); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func TestOutputReturnsWhatWasWrittenAndTheComplaintInTheError(t *testing.T) {
	out, err := Output(t.Context(), shell("cat; echo of that >&2"), strings.NewReader("this"))
	if err != nil || string(out) != "this" {
		t.Errorf("got %q, %v", out, err)
	}
	_, err = Output(t.Context(), shell("echo no such thing >&2; exit 1"), nil)
	if err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Output(ctx, shell("exec sleep 3600"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestFreePortsAreDistinctAndBelowTheOutgoingRange(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] || port < firstPort || port > lastPort {
			t.Errorf("port %d: seen before %v", port, seen[port])
		}
		seen[port] = true
	}
}

func TestTheSweepTakesOldFoldersOfDeadProcessesOnly(t *testing.T) {
	dead := exec.Command("/bin/true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	gone, ours := strconv.Itoa(dead.Process.Pid), strconv.Itoa(os.Getpid())
	old, young := time.Now().Add(-2*time.Hour), time.Now()
	cases := []struct {
		name  string
		made  time.Time
		stays bool
	}{
		{"rdip-pg-" + gone + "-1", old, false},
		{"rdip-pg-" + gone + "-2", young, true},
		{"rdip-pg-" + ours + "-3", old, true},
		{"rdip-someone-elses-4", old, true},
		{"rdip-pg-" + gone, old, true},
	}
	root := t.TempDir()
	for _, c := range cases {
		path := filepath.Join(root, c.name)
		if err := errors.Join(os.Mkdir(path, 0o755), os.Chtimes(path, c.made, c.made)); err != nil {
			t.Fatal(err)
		}
	}
	sweep(root, time.Now().Add(-staleAfter))
	for _, c := range cases {
		if _, err := os.Stat(filepath.Join(root, c.name)); (err == nil) != c.stays {
			t.Errorf("%s made at %s: stays %v, want %v", c.name, c.made, err == nil, c.stays)
		}
	}
}

func TestTailIsTheEndOfALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	long := strings.Repeat("x", tailBytes) + "\nnext to last\nlast\n"
	if err := os.WriteFile(path, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Tail(path, 2); got != "next to last\nlast" {
		t.Errorf("got %q", got)
	}
	if got := Tail(path+".none", 2); !strings.Contains(got, "no such file") {
		t.Errorf("got %q", got)
	}
}
