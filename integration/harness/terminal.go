package harness

import (
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// stderr is where a process is to write its errors so that they are gathered in out: out itself, or a terminal. When the
// process has ended, drained waits until all of it is there.
func (s *Setup) stderr(t *testing.T, out io.Writer) (to io.Writer, drained func()) {
	t.Helper()
	if !s.Terminal {
		return out, func() {}
	}
	return terminal(t, out)
}

// terminal is a pseudoterminal, for a child to write to; what is written is copied to out (man 7 pty, man 4 ptmx).
func terminal(t *testing.T, out io.Writer) (slave *os.File, drained func()) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(out, master) // until nobody has the slave open: EIO
		_ = master.Close()
	}()
	drained = sync.OnceFunc(func() {
		_ = slave.Close()
		<-read
	})
	t.Cleanup(drained)
	return slave, drained
}
