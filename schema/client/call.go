package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"rdip/internal/fault"
)

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 32 << 20

// contentType is what Confluent's API speaks.
const contentType = "application/vnd.schemaregistry.v1+json"

// call is one request, to whichever endpoint takes it.
type call struct {
	op      string // as an error names it
	subject string
	object  string // where there is no subject
	method  string // GET when empty
	path    string
	body    any // as JSON; nil for none
}

// call makes one round: the endpoint that answered last, then the others for as long as they fail for
// now. A *fault.Error says how it ended; the context's end is in its chain.
func (c *Client) call(ctx context.Context, k call, answer any) error {
	var body []byte
	if k.body != nil {
		var err error
		if body, err = json.Marshal(k.body); err != nil {
			return k.fail(err, "", true)
		}
	}
	var failed error
	start := int(c.good.Load())
	for i := range c.endpoints {
		at := (start + i) % len(c.endpoints)
		err := c.ask(ctx, k, c.endpoints[at], body, answer)
		if err == nil || fault.IsPermanent(err) {
			c.good.Store(uint32(at))
			return err
		}
		failed = keepLonger(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// keepLonger prefers the failure that asks for the longer wait, else the first.
func keepLonger(a, b error) error {
	if a == nil || retryAfter(b) > retryAfter(a) {
		return b
	}
	return a
}

// ask makes one request to one endpoint.
func (c *Client) ask(ctx context.Context, k call, e endpoint, body []byte, answer any) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return k.fail(context.Cause(ctx), "", false)
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.config.Timeout, fmt.Errorf("no answer in %s", c.config.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(limited, k.verb(), e.base+k.path, bytes.NewReader(body))
	if err != nil {
		return k.fail(err, "", true)
	}
	req.Header.Set("Accept", contentType+", application/json")
	if k.body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if auth := e.auth.Reveal(); auth != "" {
		req.Header.Set("Authorization", auth)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return k.unreachable(limited, e, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return k.unreachable(limited, e, err)
	case len(text) > maxAnswer:
		return k.fail(fmt.Errorf("the answer of %s is longer than %d bytes", e.base, maxAnswer), "", true)
	case resp.StatusCode != http.StatusOK:
		return k.refused(e, resp, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return k.fail(fmt.Errorf("the answer of %s is not a schema registry's: %w", e.base, err), "check that schema.registry.url is the registry's", false)
	}
	return nil
}

func (k call) verb() string {
	if k.method == "" {
		return http.MethodGet
	}
	return k.method
}

// fail is the call's *fault.Error.
func (k call) fail(cause error, hint string, permanent bool) *fault.Error {
	object := k.object
	if k.subject != "" {
		object = fmt.Sprintf("subject %q", k.subject)
	}
	return &fault.Error{Op: k.op, Object: object, Cause: cause, Hint: hint, Permanent: permanent}
}

// isStatus says whether the registry answered err with the HTTP status.
func isStatus(err error, status int) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Status == status
}
