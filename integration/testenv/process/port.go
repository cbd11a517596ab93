package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are taken from below the range that kernels use for outgoing connections (32768 and up on
// Linux), so that a server that is stopped finds its port free when it starts again.
const (
	firstPort = 20000
	lastPort  = 31999
)

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort is a TCP port of 127.0.0.1 that nothing listens on and that this process has not handed
// out before. Another process may still take it first: a server that fails to bind should ask again.
func FreePort() (int, error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if handedOut.ports[port] || !canListen(port) {
			continue
		}
		handedOut.ports[port] = true
		return port, nil
	}
	return 0, errors.New("no free TCP port between 20000 and 31999")
}

func canListen(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
