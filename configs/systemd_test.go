package configs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rdip/configs"
	"rdip/internal/fault"
)

const unit = "systemd/rdip.service"

// analyze runs systemd-analyze; without it the test is skipped, and fails in CI.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("systemd-analyze is not installed: apt-get install systemd")
		}
		t.Skip("systemd-analyze is not installed")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	return string(out), err
}

func TestTheUnitIsExposedLessThanTwoOfTen(t *testing.T) {
	if out, err := analyze(t, "security", "--offline=true", "--threshold=20", "--no-pager", unit); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheUnitIsValid(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The binary is not installed here: only its paths are replaced.
	text := strings.ReplaceAll(string(read(t, unit)), "/usr/local/bin/rdip ", self+" ")
	path := filepath.Join(t.TempDir(), "rdip.service")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := analyze(t, "verify", "--man=no", path); err != nil || strings.Contains(out, "rdip.service") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheUnitDoesNotRestartWhatAStartCannotMend(t *testing.T) {
	want := fmt.Sprintf("%d %d %d", fault.Configuration.ExitCode(), fault.Preflight.ExitCode(), fault.PositionLost.ExitCode())
	if got := setting(t, "RestartPreventExitStatus"); got != want {
		t.Errorf("RestartPreventExitStatus=%s, want %s", got, want)
	}
}

func TestTheUnitLeavesTimeToDrain(t *testing.T) {
	var w configs.Worker
	w.Definition()
	stop, err := time.ParseDuration(setting(t, "TimeoutStopSec"))
	if err != nil || stop < w.DrainTimeout+10*time.Second {
		t.Errorf("TimeoutStopSec=%v (%v), the drain may take %v", stop, err, w.DrainTimeout)
	}
	if got := "/var/lib/" + setting(t, "StateDirectory"); got != w.StateDir {
		t.Errorf("the state folder is %s, state.dir is %s", got, w.StateDir)
	}
}

func setting(t *testing.T, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(string(read(t, unit)))
	if m == nil {
		t.Fatalf("no %s in %s", name, unit)
	}
	return m[1]
}
