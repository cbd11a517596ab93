// Package process runs servers as children that cannot outlive their parent: each is started in a
// process group of its own (a terminal's Ctrl-C is the parent's to handle), dies when the parent dies
// (on Linux), and is signalled by pid. Folders made by TempDir are swept when their maker is gone.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Owner is the user and group that a child runs as.
type Owner struct {
	Name     string
	UID, GID uint32
}

// Command says what to run. Env replaces the parent's environment when it is not nil. Output goes to
// the file Log, appended; an empty Log discards it.
type Command struct {
	Path  string
	Args  []string // without the program's name
	Env   []string
	Dir   string
	Log   string
	Owner *Owner         // nil: the parent's own user
	Death syscall.Signal // sent to the child when the parent dies; 0 means SIGKILL
}

// Process is a running or ended child. Its methods may be called from any goroutine.
type Process struct {
	pid  int
	name string
	done chan struct{}

	mu  sync.Mutex
	err error
}

// Start starts the command and returns once it has been executed, which says nothing about its being
// ready. The child is waited for by a goroutine that lives as long as it does.
func Start(c Command) (*Process, error) {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env, cmd.Dir = c.Env, c.Dir
	cmd.SysProcAttr = attributes(c)
	if c.Log != "" {
		log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log
	}
	p := &Process{name: c.Path, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(cmd, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts cmd and waits for it on one locked thread: the kernel's parent-death signal follows the
// thread that started the child, not the process (prctl(2), PR_SET_PDEATHSIG).
func (p *Process) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	err := cmd.Wait()
	p.mu.Lock()
	p.err = err
	p.mu.Unlock()
	close(p.done)
}

// Run runs the command to its end and returns an error that names the exit status. It is killed when
// ctx ends.
func Run(ctx context.Context, c Command) error {
	p, err := Start(c)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.Err()
	case <-ctx.Done():
		_ = p.Kill()
		return ctx.Err()
	}
}

// Pid is the child's process id, which is also its process group's.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is what the child ended with: nil while it runs and after exit status 0.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Running says whether the child has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends sig to the child, and does nothing once it has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	if !p.Running() {
		return nil
	}
	return ignoreGone(syscall.Kill(p.pid, sig))
}

// SignalGroup sends sig to the child and to those of its own children that stayed in its group.
func (p *Process) SignalGroup(sig syscall.Signal) error {
	if !p.Running() {
		return nil
	}
	return ignoreGone(syscall.Kill(-p.pid, sig))
}

// Stop sends sig and waits for the end. After grace it kills the group and says so in its error.
func (p *Process) Stop(sig syscall.Signal, grace time.Duration) error {
	if err := p.Signal(sig); err != nil {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		if err := p.Kill(); err != nil {
			return err
		}
		return fmt.Errorf("%s (pid %d) did not stop within %s of %s and was killed", p.name, p.pid, grace, sig)
	}
}

// Kill kills the child's group at once and waits until the child is gone.
func (p *Process) Kill() error {
	if err := p.SignalGroup(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}
