package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
)

// Output runs a program to its end and returns what it wrote to its standard output. The error holds
// what it wrote to its standard error. Log and Death of the command are not used: it is killed when
// ctx ends or the parent dies.
func Output(ctx context.Context, c Command, stdin io.Reader) ([]byte, error) {
	runtime.LockOSThread() // the parent-death signal follows the thread that starts the child
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env, cmd.Dir, cmd.Stdin = c.Env, c.Dir, stdin
	c.Death = 0
	cmd.SysProcAttr = attributes(c)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w (%w)", ctx.Err(), err)
		}
		return nil, fmt.Errorf("%s: %w\n%s", c.Path, err, complaint.Bytes())
	}
	return out.Bytes(), nil
}
