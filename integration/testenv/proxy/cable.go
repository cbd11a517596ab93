//go:build linux

package proxy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Cable is a piece of network of its own: a veth pair, whose far end lies in a network namespace. Proxies listen at the far
// end. Unplugged, packets of either direction vanish without an answer: no end, no reset, no ICMP, for connections that
// are open and for new ones. Making one takes root; the kernel removes it with its maker, however that ends.
type Cable struct {
	address string
	device  string
	far     chan func() // run by the thread that lives in the namespace
	gone    chan struct{}
	once    sync.Once
}

// cableTries is how many addresses are tried before none counts as free.
const cableTries = 10

// NewCable makes one. The error says what is missing: root, network namespaces, or the program ip.
func NewCable() (*Cable, error) {
	c := &Cable{far: make(chan func()), gone: make(chan struct{})}
	ready := make(chan error)
	go c.live(ready)
	err := <-ready
	for range cableTries {
		if err != nil {
			break
		}
		if err = c.lay(); err == nil {
			return c, nil
		}
		c.remove()
	}
	return nil, errors.Join(fmt.Errorf("a network of its own: %w", err), c.Close())
}

// live is the thread in the namespace. It is never unlocked, so that it ends with the goroutine, and with it and
// the last socket the namespace.
func (c *Cable) live(ready chan<- error) {
	runtime.LockOSThread()
	defer close(c.gone)
	ready <- unix.Unshare(unix.CLONE_NEWNET)
	for f := range c.far {
		f()
	}
}

// within runs f in the namespace.
func (c *Cable) within(f func() error) error {
	done := make(chan error)
	c.far <- func() { done <- f() }
	return <-done
}

// lay makes the pair and gives both ends addresses of 198.18.0.0/15, which is for tests (RFC 2544). The near end knows the
// far one's hardware address for good, or else the kernel would tell senders of an unplugged cable that nobody answers there.
func (c *Cable) lay() error {
	var thread int
	_ = c.within(func() error { thread = unix.Gettid(); return nil })
	n := rand.IntN(1 << 15)
	net30 := func(host int) string { return fmt.Sprintf("198.%d.%d.%d", 18+n>>14, n>>6&0xff, n&0x3f<<2+host) }
	c.device, c.address = fmt.Sprintf("rdip%d", n), net30(2)
	const hardware = "02:00:5e:10:00:02"
	err := commands(
		fmt.Sprintf("ip link add %s type veth peer name far address %s netns %d", c.device, hardware, thread),
		fmt.Sprintf("ip addr add %s/30 dev %s", net30(1), c.device),
		fmt.Sprintf("ip link set %s up", c.device),
		fmt.Sprintf("ip neigh replace %s lladdr %s dev %s nud permanent", c.address, hardware, c.device))
	if err != nil {
		return err
	}
	return c.within(func() error { return commands("ip link set lo up", "ip link set far up", c.plug()) })
}

func (c *Cable) plug() string { return fmt.Sprintf("ip addr add %s/30 dev far", c.address) }

// Unplug has every packet vanish from now on: the far end has no address any more.
func (c *Cable) Unplug() error {
	return c.within(func() error { return commands(fmt.Sprintf("ip addr del %s/30 dev far", c.address)) })
}

// Plug mends it. Connections that neither side has given up go on.
func (c *Cable) Plug() error { return c.within(func() error { return commands(c.plug()) }) }

// Host is the far end's address.
func (c *Cable) Host() string { return c.address }

// New is a proxy that listens at the far end and forwards to target from the near one.
func (c *Cable) New(target string) (*Proxy, error) {
	var l net.Listener
	err := c.within(func() error {
		var err error
		l, err = net.Listen("tcp", c.address+":0")
		return err
	})
	if err != nil {
		return nil, err
	}
	return serve(l, target), nil
}

// Close takes the cable away; its proxies are to be closed before.
func (c *Cable) Close() error {
	c.once.Do(func() { close(c.far) })
	<-c.gone
	c.remove()
	if _, err := os.Stat("/sys/class/net/" + c.device); c.device != "" && err == nil {
		return fmt.Errorf("network device %s is left", c.device)
	}
	return nil
}

// remove deletes the near end, if the namespace has not taken it along.
func (c *Cable) remove() {
	if c.device != "" {
		_ = commands("ip link del " + c.device)
	}
}

// commands runs programs on this thread's namespace.
func commands(lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
