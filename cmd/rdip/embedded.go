package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"rdip/internal/fault"
	"rdip/schema/registry"
	"rdip/sinks/kafka/embedded"
)

// embedded is the broker and the registry that embedded: true runs in this process.
type embeddedServers struct {
	broker      *embedded.Broker
	registry    *registry.Registry
	registryURL string
	stop        context.CancelFunc
	served      chan error
}

// startEmbedded starts both on loopback, with their data below dir.
func startEmbedded(dir string) (*embeddedServers, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &fault.Error{Op: "make folder", Object: dir, Cause: err, Permanent: true}
	}
	e := &embeddedServers{served: make(chan error, 1)}
	var err error
	if e.registry, err = registry.Open(filepath.Join(dir, "registry.db")); err != nil {
		return nil, err
	}
	if e.broker, err = embedded.Start(embedded.Options{DataDir: filepath.Join(dir, "broker")}); err != nil {
		return nil, errors.Join(err, e.registry.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, e.registry.Close(), e.broker.Close())
	}
	e.registryURL = fmt.Sprintf("http://%s", l.Addr())
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	go func() { e.served <- e.registry.Serve(ctx, l) }()
	return e, nil
}

func (e *embeddedServers) close() error {
	e.stop()
	return errors.Join(<-e.served, e.registry.Close(), e.broker.Close())
}
