package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"rdip/integration/testenv/certs"
	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
	"rdip/internal/fault"
)

// minMajor is the oldest server that rdip reads, and that Version 0 chooses.
const minMajor = 14

// Server is one PostgreSQL cluster and, while it runs, its postmaster. Starting and stopping belong to
// one goroutine; the other methods may be called from any.
type Server struct {
	options   Options
	major     int
	bin       string // folder of initdb and postgres
	dir       string // everything of this server lies below
	dataDir   string
	port      int
	owner     *process.Owner
	authority *certs.Authority // nil without TLS

	mu        sync.Mutex
	settings  map[string]string
	passwords map[string]string
	pairs     map[string]certs.Pair
	postgres  *process.Process // nil before the first start
}

// Start makes a cluster and starts it. It returns when the server answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := create(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.setSuperuserPassword(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func create(ctx context.Context, o Options) (*Server, error) {
	bin, major, err := binaries(o)
	if err != nil {
		return nil, err
	}
	o.Password = o.Password || o.TLS || len(o.CertUsers) > 0
	o.TLS = o.TLS || len(o.CertUsers) > 0
	s := &Server{
		options: o, major: major, bin: bin,
		settings: map[string]string{}, passwords: map[string]string{}, pairs: map[string]certs.Pair{},
	}
	if s.owner, err = serverOwner(); err != nil {
		return nil, err
	}
	if err := checkReach(filepath.Join(bin, "postgres"), s.owner); err != nil {
		return nil, err
	}
	if s.dir, err = process.TempDir("pg"); err != nil {
		return nil, err
	}
	s.dataDir = filepath.Join(s.dir, "data")
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context) error {
	if err := give(s.dir, s.owner); err != nil {
		return err
	}
	port, err := process.FreePort()
	if err != nil {
		return err
	}
	s.port = port
	if err := s.newCluster(ctx); err != nil {
		return err
	}
	if err := s.makeCertificates(); err != nil {
		return err
	}
	if err := s.makeLocales(ctx); err != nil {
		return err
	}
	return s.writeHBA()
}

func binaries(o Options) (bin string, major int, err error) {
	switch {
	case o.Extensions:
		bin, err = component.PostgresExtensions().Path()
		return bin, component.ExtensionsMajor, err
	case o.Version != 0:
		bin, err = component.Postgres(o.Version).Path()
		return bin, o.Version, err
	}
	bin, major, ok := component.NewestPostgres(minMajor)
	if !ok {
		_, err = component.Postgres(component.PostgresMajors[len(component.PostgresMajors)-1]).Path()
	}
	return bin, major, err
}

// Start starts the stopped server on its port again, with the settings as they are now.
func (s *Server) Start(ctx context.Context) error {
	if s.Running() {
		return nil
	}
	if err := s.writeSettings(); err != nil {
		return err
	}
	p, err := process.Start(process.Command{
		Path: filepath.Join(s.bin, "postgres"), Args: []string{"-D", s.dataDir},
		Env: append(serverEnv(), "LOCPATH="+s.localesDir()), Dir: s.dir, Log: s.LogFile(), Owner: s.owner,
		Death: syscall.SIGQUIT, // immediate shutdown, which also removes its shared memory
	})
	if err != nil {
		return s.failed("start", err)
	}
	s.mu.Lock()
	s.postgres = p
	s.mu.Unlock()
	if err := s.awaitReady(ctx, p); err != nil {
		return errors.Join(s.failed("start", err), p.Stop(syscall.SIGQUIT, stopWithin))
	}
	return nil
}

// awaitReady returns when the server lets the superuser in.
func (s *Server) awaitReady(ctx context.Context, p *process.Process) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		conn, err := s.Connect(ctx, Superuser)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it ended: %w", errors.Join(errors.New("not ready"), p.Err()))
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop is a fast shutdown: sessions are ended, walsenders send what is left. A walsender whose client
// does not read holds it up; after 20 s the server is shut down at once and Stop says so.
func (s *Server) Stop() error {
	p := s.process()
	if p == nil {
		return nil
	}
	if err := p.Signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case <-p.Done():
		return nil
	case <-time.After(stopWithin):
	}
	return errors.Join(s.failed("stop", fmt.Errorf("a fast shutdown took longer than %s", stopWithin)), s.Kill())
}

// Kill is an immediate shutdown, as after a crash of the server: the next start recovers from the log.
func (s *Server) Kill() error {
	p := s.process()
	if p == nil {
		return nil
	}
	return p.Stop(syscall.SIGQUIT, stopWithin)
}

// Restart stops the server, fast, and starts it again on the same port.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Close shuts the server down at once and removes its folder.
func (s *Server) Close() error {
	return errors.Join(s.Kill(), os.RemoveAll(s.dir))
}

// Running says whether the postmaster runs.
func (s *Server) Running() bool {
	p := s.process()
	return p != nil && p.Running()
}

func (s *Server) process() *process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.postgres
}

func (s *Server) failed(op string, err error) error {
	return &fault.Error{
		Op: op, Object: fmt.Sprintf("PostgreSQL %d on port %d", s.major, s.port),
		Cause: fmt.Errorf("%w; the end of its log:\n%s", err, s.LogTail(20)),
	}
}

// serverEnv keeps the parent's PG* variables and locale away from the server.
func serverEnv() []string {
	return []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH"), "HOME=/", "TZ=UTC"}
}
