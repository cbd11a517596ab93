//go:build !linux

package proxy

import "errors"

// Cable is a piece of network whose packets can be made to vanish; Linux alone has network namespaces.
type Cable struct{}

var errNoCable = errors.New("a network of its own: only Linux has network namespaces")

// NewCable fails.
func NewCable() (*Cable, error) { return nil, errNoCable }

// Unplug fails.
func (*Cable) Unplug() error { return errNoCable }

// Plug fails.
func (*Cable) Plug() error { return errNoCable }

// Host is nowhere.
func (*Cable) Host() string { return "" }

// New fails.
func (*Cable) New(string) (*Proxy, error) { return nil, errNoCable }

// Close does nothing.
func (*Cable) Close() error { return nil }
