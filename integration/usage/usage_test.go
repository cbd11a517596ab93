package usage

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestALineOfStatIsReadWhateverTheNameHolds(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       stat
	}{
		{"a plain name", "7 (sh) S 3 7 7 0 -1 4194560 1 2 3 4 150 25 300 40 20 0 1 0 5 6 7",
			stat{parent: 3, own: 1750 * time.Millisecond, waited: 3400 * time.Millisecond}},
		{"spaces and parentheses in the name", "7 (a (b) c) S 3 7 7 0 -1 4194560 1 2 3 4 1 0 0 0 20 0",
			stat{parent: 3, own: 10 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := parseStat([]byte(c.line)); err != nil || got != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
	for _, line := range []string{"", "7 (sh)", "7 (sh) S 3 7 7 0 -1 4194560 1 2 3 4 x 25 300 40 20"} {
		if _, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q was taken for a line of stat", line)
		}
	}
}

func TestAProcessSeesItsOwnMemoryGrow(t *testing.T) {
	onLinux(t)
	before, err := Peak(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	block := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		block[i] = 1
	}
	after, err := Peak(os.Getpid())
	if err != nil || after < before+size/2 {
		t.Errorf("the peak went from %d to %d bytes with %d more in use: %v", before, after, size, err)
	}
	if now, err := Resident(os.Getpid()); err != nil || now < size || now > after+size {
		t.Errorf("%d bytes are resident, %d was the peak: %v", now, after, err)
	}
	runtime.KeepAlive(block)
}

func TestTheFamilyCountsAChildThatHasEnded(t *testing.T) {
	onLinux(t)
	before, err := Family(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	own, _ := CPU(os.Getpid())
	busy := exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	children, err := Children(os.Getpid())
	if err != nil || !slices.Contains(children, busy.Process.Pid) {
		t.Errorf("the children are %v, %v; want %d among them", children, err, busy.Process.Pid)
	}
	if line, err := CommandLine(busy.Process.Pid); err != nil || len(line) == 0 {
		t.Errorf("its command line is %q, %v", line, err)
	}
	if err := busy.Wait(); err != nil {
		t.Fatal(err)
	}
	spent := busy.ProcessState.UserTime() + busy.ProcessState.SystemTime()
	after, _ := Family(os.Getpid())
	ownAfter, _ := CPU(os.Getpid())
	if child := after - before - (ownAfter - own); child < spent-5*tick || child > spent+5*tick {
		t.Errorf("the child counts for %v, it spent %v", child, spent)
	}
	if _, err := CPU(busy.Process.Pid); err == nil {
		t.Error("a process that has ended still has a CPU time")
	}
}

func TestTheMachineWasBusyWhileItRanThis(t *testing.T) {
	onLinux(t)
	if busy, err := Busy(); err != nil || busy <= 0 {
		t.Errorf("%v, %v", busy, err)
	}
}

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
}
