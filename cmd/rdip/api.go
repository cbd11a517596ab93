package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"rdip/internal/fault"
	"rdip/internal/secret"
)

// api asks a running daemon.
type api struct {
	base   string
	client *http.Client
	token  secret.Text // shown with requests that change something
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
	return a.call(ctx, http.MethodGet, path, nil, into)
}

// call sends a request, with a body of JSON unless it is nil, and decodes the answer unless into is nil or
// there is none.
func (a *api) call(ctx context.Context, method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, sent)
	if err != nil {
		return err
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
		if !a.token.IsEmpty() {
			req.Header.Set("Authorization", "Bearer "+a.token.Reveal())
		}
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return &fault.Error{Op: "ask rdip", Object: a.base, Cause: err, Hint: "start it (rdip run CONFIG), or name its address with --url (rest.listeners in its configuration)"}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return &fault.Error{Op: "ask rdip", Object: a.base + path, Cause: err}
	}
	if resp.StatusCode/100 != 2 {
		return refusal(a.base+path, resp, text)
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &fault.Error{Op: "read the answer of", Object: a.base + path, Cause: err, Hint: "is another service listening there?", Permanent: true}
	}
	return nil
}

// refusal is what the daemon said; its 400 is of kind Configuration.
func refusal(url string, resp *http.Response, text []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(text, &said)
	f := &fault.Error{Op: "ask rdip", Object: url, Cause: fmt.Errorf("%s: %s", resp.Status, said.Message), Permanent: true}
	switch resp.StatusCode {
	case http.StatusBadRequest:
		f.Kind = fault.Configuration
	case http.StatusUnauthorized:
		f.Kind, f.Hint = fault.Configuration, "name the daemon's configuration with --config: rest.token.file is read from it"
	case http.StatusNotFound:
		f.Kind, f.Hint = fault.Configuration, "rdip status shows the connectors"
	}
	if said.Message == "" { // rdip always says something
		f.Cause, f.Hint = errors.New(resp.Status), "another service listens there: name rdip's address with --url (rest.listeners in its configuration)"
	}
	return f
}
