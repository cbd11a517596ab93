// Package usage reads what a process has used, and how busy the machine is, from Linux's /proc: CPU time to
// the tick (10 ms), memory as the kernel counts it. On other systems every call is an error.
package usage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// stat is what /proc/PID/stat (proc_pid_stat(5)) says of a process.
type stat struct {
	parent int
	own    time.Duration // user and system time of the process, all threads
	waited time.Duration // the same of its children that have ended and were waited for
}

// CPU is the user and system time that a process has spent, all threads together.
func CPU(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// Family is the CPU time of a process and of all its children, those that have ended included. Grandchildren
// count once their parent has waited for them and ended. Between the reads a child may end, so ask while none
// does.
func Family(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	sum := s.own + s.waited
	children, err := Children(pid)
	for _, child := range children {
		if c, err := readStat(child); err == nil {
			sum += c.own + c.waited
		}
	}
	return sum, err
}

// Children are the processes whose parent is pid.
func Children(pid int) ([]int, error) {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(entries) == 0 {
		return nil, errors.Join(errors.New("there is no /proc"), err)
	}
	var found []int
	for _, entry := range entries {
		candidate, err := strconv.Atoi(filepath.Base(entry))
		if err != nil {
			continue
		}
		if s, err := readStat(candidate); err == nil && s.parent == pid {
			found = append(found, candidate)
		}
	}
	return found, nil
}

// CommandLine is a process's arguments, its name first.
func CommandLine(pid int) ([]string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00"), err
}

// Peak is the most bytes of memory that a process has had resident since it was started (VmHWM), shared
// pages and those of its binary included.
func Peak(pid int) (int64, error) { return memory(pid, "VmHWM:") }

// Resident is how many bytes of memory a process has resident now (VmRSS).
func Resident(pid int) (int64, error) { return memory(pid, "VmRSS:") }

func memory(pid int, field string) (int64, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == field && words[2] == "kB" {
			kib, err := strconv.ParseInt(words[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no %s: the process has ended", path, field)
}

// Busy is the CPU time that the whole machine has spent working since it was started, over all cores; waiting
// for a disk is not work, time that the hypervisor kept for itself is.
func Busy() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	words := strings.Fields(string(line)) // cpu user nice system idle iowait irq softirq steal ...
	if len(words) < 9 || words[0] != "cpu" {
		return 0, errors.New("the first line of /proc/stat is not the sum over all cores")
	}
	var sum time.Duration
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// readStat reads /proc/PID/stat. The name, in parentheses, may itself hold spaces and parentheses.
func readStat(pid int) (stat, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return stat{}, err
	}
	return parseStat(b)
}

func parseStat(b []byte) (stat, error) {
	words := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	const parent, utime, stime, cutime, cstime = 1, 11, 12, 13, 14 // state is the first word behind the name
	if len(words) <= cstime {
		return stat{}, fmt.Errorf("%q is not a line of /proc/PID/stat", b)
	}
	var n [cstime + 1]int64
	for _, i := range []int{parent, utime, stime, cutime, cstime} {
		var err error
		if n[i], err = strconv.ParseInt(words[i], 10, 64); err != nil {
			return stat{}, err
		}
	}
	return stat{parent: int(n[parent]), own: time.Duration(n[utime]+n[stime]) * tick,
		waited: time.Duration(n[cutime]+n[cstime]) * tick}, nil
}
