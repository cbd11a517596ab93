package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"rdip/internal/fault"
)

// api asks a running daemon.
type api struct {
	base   string
	client *http.Client
}

// newAPI takes a URL, or host:port.
func newAPI(address string) *api {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return &api{base: strings.TrimRight(address, "/"), client: &http.Client{Timeout: 10 * time.Second}}
}

// answers says whether a daemon is there.
func (a *api) answers(ctx context.Context) bool {
	var info struct{}
	return a.get(ctx, "/", &info) == nil
}

// get asks for a path and decodes the JSON of the answer.
func (a *api) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return &fault.Error{Op: "ask rdip", Object: a.base, Cause: err, Hint: "start it (rdip run CONFIG), or name its address with --url (rest.listeners in its configuration)"}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return &fault.Error{Op: "ask rdip", Object: a.base + path, Cause: err}
	}
	if resp.StatusCode != http.StatusOK {
		var said struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &said)
		return &fault.Error{Op: "ask rdip", Object: a.base + path, Cause: fmt.Errorf("%s: %s", resp.Status, said.Message), Permanent: true}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &fault.Error{Op: "read the answer of", Object: a.base + path, Cause: err, Hint: "is another service listening there?", Permanent: true}
	}
	return nil
}
