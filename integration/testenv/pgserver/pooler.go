package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
)

const (
	poolerReadyWithin = 10 * time.Second
	poolerStopWithin  = 5 * time.Second
)

// PoolerOptions is how a PgBouncer is set up.
type PoolerOptions struct {
	Mode    string   // pool_mode: session or transaction
	Ignored []string // ignore_startup_parameters: settings of clients that are dropped without a word
}

// Pooler is a PgBouncer before a server, for its superuser, on 127.0.0.1.
type Pooler struct {
	dir     string
	port    int
	program *process.Process
}

// Pooler starts one that lets clients in without a password; so must the server.
func (s *Server) Pooler(ctx context.Context, o PoolerOptions) (*Pooler, error) {
	path, err := component.PgBouncer().Path()
	if err != nil {
		return nil, err
	}
	p := &Pooler{}
	if p.port, err = process.FreePort(); err != nil {
		return nil, err
	}
	if p.dir, err = process.TempDir("pool"); err != nil {
		return nil, err
	}
	if err = p.start(ctx, path, s, o); err != nil {
		return nil, errors.Join(fmt.Errorf("PgBouncer: %w\n%s", err, process.Tail(p.logFile(), 20)), p.Close())
	}
	return p, nil
}

// Port is the TCP port on 127.0.0.1.
func (p *Pooler) Port() int { return p.port }

func (p *Pooler) logFile() string { return filepath.Join(p.dir, "log") }

func (p *Pooler) start(ctx context.Context, path string, s *Server, o PoolerOptions) error {
	config := fmt.Sprintf("[databases]\n* = host=%s port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nauth_type = trust\nauth_file = users\npool_mode = %s\nunix_socket_dir =\nignore_startup_parameters = %s\n",
		s.dir, s.port, p.port, o.Mode, strings.Join(o.Ignored, ","))
	for name, text := range map[string]string{"ini": config, "users": fmt.Sprintf("%q \"\"\n", Superuser)} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := give(p.dir, s.owner); err != nil {
		return err
	}
	var err error
	p.program, err = process.Start(process.Command{Path: path, Args: []string{"ini"}, Dir: p.dir, Log: p.logFile(), Owner: s.owner})
	if err != nil {
		return err
	}
	return p.awaitReady(ctx)
}

func (p *Pooler) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, poolerReadyWithin)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.program.Done():
			return errors.Join(errors.New("it ended"), p.program.Err())
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Close ends it and removes its folder.
func (p *Pooler) Close() error {
	var err error
	if p.program != nil {
		err = p.program.Stop(syscall.SIGINT, poolerStopWithin)
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}
