//go:build !linux

package postgres

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// lowWater needs SO_RCVLOWAT to be honoured by the poller, which only Linux is known to do.
type lowWater struct{}

func newLowWater(*net.TCPConn, syscall.RawConn, *atomic.Bool) *lowWater { return nil }

func (*lowWater) enough() int { return 1 }

func (*lowWater) read([]byte, time.Time) (int, error) { return 0, errors.ErrUnsupported }

// socket is not asked here, so that every read counts as one that waits.
type socket struct{}

func newSocket(syscall.RawConn) *socket { return nil }

func (*socket) waiting() int { return 0 }

// setUserTimeout: TCP_USER_TIMEOUT is Linux's; elsewhere keepalives and the silence limit serve alone.
func setUserTimeout(syscall.RawConn, time.Duration) error { return nil }
