package pgserver

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Crash kills the postmaster and all its children with SIGKILL, and waits until they are gone: nothing is written any more, as
// when a machine loses its power, though what the kernel was given stays. The next start recovers from the log.
func (s *Server) Crash() error {
	p := s.process()
	if p == nil {
		return nil
	}
	doomed := append(childrenOf(p.Pid()), p.Pid())
	for _, pid := range doomed {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.Done()
	for deadline := time.Now().Add(stopWithin); slices.ContainsFunc(doomed, alive); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return s.failed("crash", errors.New("some of its processes outlive SIGKILL"))
		}
	}
	return nil
}

// alive says whether there is a process of that id that has not ended.
func alive(pid int) bool {
	state, _ := stateOf(pid)
	return state != "" && state != "Z"
}

// childrenOf are the processes whose parent that is.
func childrenOf(pid int) []int {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	var out []int
	for _, folder := range folders {
		child, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if _, parent := stateOf(child); parent == pid {
			out = append(out, child)
		}
	}
	return out
}

// stateOf reads a process's state and parent (proc(5): the fields behind the program's name); "" where there is none.
func stateOf(pid int) (state string, parent int) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", 0
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 2 {
		return "", 0
	}
	parent, err = strconv.Atoi(fields[1])
	if err != nil {
		return "", 0
	}
	return fields[0], parent
}
