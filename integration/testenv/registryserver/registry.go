// Package registryserver runs Apicurio, a schema registry that is not ours, with Confluent's REST API
// and everything in memory: it forgets all when it stops. It starts in about 4 s and takes 240 MB.
//
// Where it differs from Confluent's: the global compatibility is NONE, so a refusal needs a PUT
// /config/SUBJECT first; GET by id adds fields; a schema with the exact default string "{}" is refused
// with 422.
package registryserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
	"rdip/internal/fault"
)

const (
	readyWithin = 90 * time.Second
	stopWithin  = 20 * time.Second
)

// errEnded is a server that stops by itself while it is waited for.
var errEnded = errors.New("it ended")

// Registry is one server. It belongs to one goroutine, but URL may be called from any.
type Registry struct {
	dir, jars, java string
	port            int
	server          *process.Process // nil before the first start
}

// Start starts a registry and returns when it answers.
func Start(ctx context.Context) (*Registry, error) {
	const attempts = 3 // another process may take a port between our choice and the server's bind
	for attempt := 1; ; attempt++ {
		r, err := create()
		if err != nil {
			return nil, err
		}
		if err = r.Start(ctx); err == nil {
			return r, nil
		}
		taken := strings.Contains(r.LogTail(100), "already in use") || strings.Contains(r.LogTail(100), "already bound")
		err = errors.Join(err, r.Close())
		if !taken || attempt == attempts {
			return nil, err
		}
	}
}

func create() (*Registry, error) {
	r := &Registry{}
	var err error
	if r.jars, err = component.Registry().Path(); err != nil {
		return nil, err
	}
	if r.java, err = component.Java().Path(); err != nil {
		return nil, err
	}
	if r.port, err = process.FreePort(); err != nil {
		return nil, err
	}
	r.dir, err = process.TempDir("registry")
	return r, err
}

// URL is where Confluent's API begins: URL()+"/subjects".
func (r *Registry) URL() string {
	return fmt.Sprintf("http://127.0.0.1:%d/apis/ccompat/v7", r.port)
}

// Start starts the stopped registry again, empty, on the same port.
func (r *Registry) Start(ctx context.Context) error {
	if r.server != nil && r.server.Running() {
		return nil
	}
	var err error
	r.server, err = process.Start(process.Command{
		Path: r.java, Dir: r.dir, Log: r.logFile(),
		Args: []string{
			"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + r.dir,
			"-Dquarkus.http.host=127.0.0.1", "-Dquarkus.http.port=" + strconv.Itoa(r.port),
			"-jar", filepath.Join(r.jars, component.RegistryJar),
		},
	})
	if err != nil {
		return r.failed(err)
	}
	return r.awaitReady(ctx)
}

// Stop ends the registry; its schemas are gone.
func (r *Registry) Stop() error {
	if r.server == nil {
		return nil
	}
	return r.server.Stop(syscall.SIGTERM, stopWithin)
}

// Close kills the registry and removes its folder.
func (r *Registry) Close() error {
	var err error
	if r.server != nil {
		err = r.server.Kill()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// LogTail is the last lines of what the registry wrote.
func (r *Registry) LogTail(lines int) string { return process.Tail(r.logFile(), lines) }

func (r *Registry) logFile() string { return filepath.Join(r.dir, "log") }

func (r *Registry) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		err := r.answers(ctx, client)
		if err == nil {
			return nil
		}
		select {
		case <-r.server.Done():
			return r.failed(errors.Join(errEnded, r.server.Err()))
		case <-ctx.Done():
			return r.failed(fmt.Errorf("it does not answer: %w", err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r *Registry) answers(ctx context.Context, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL()+"/subjects", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /subjects: %s", answer.Status)
	}
	return nil
}

func (r *Registry) failed(err error) error {
	return &fault.Error{
		Op: "start", Object: "schema registry at " + r.URL(),
		Cause: fmt.Errorf("%w; the end of its log:\n%s", err, r.LogTail(30)),
	}
}
