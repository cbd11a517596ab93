package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"rdip/schema/compatibility"

	"rdip/internal/secret"
)

// Client calls one registry. It is safe for concurrent use; no more than MaxParallel requests are under
// way at a time, the rest wait.
type Client struct {
	config    Config
	endpoints []endpoint
	http      *http.Client
	slots     chan struct{}
	good      atomic.Uint32 // the index of the endpoint that answered last
}

// New checks the configuration; it reaches for nothing. Its error is permanent and lists every fault.
func New(c Config) (*Client, error) {
	endpoints, err := c.endpoints()
	if err != nil {
		return nil, err
	}
	c = c.withDefaults()
	c.URLs, c.UserInfo, c.BearerToken = "", secret.Text{}, secret.Text{} // they live on in the endpoints
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		tlsConfig = c.TLS.Clone()
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: c.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     tlsConfig,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: MaxParallel,
		IdleConnTimeout:     90 * time.Second,
	}
	return &Client{
		config:    c,
		endpoints: endpoints,
		// A redirect is reported: following one would turn a registration into a GET.
		http:  &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		slots: make(chan struct{}, MaxParallel),
	}, nil
}

// Close releases idle connections. Calls under way are ended by their context, not by Close.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Registered is a version of a subject.
type Registered struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int32  `json:"id"`
	Schema  string `json:"schema"` // as the registry keeps it
}

type schemaBody struct {
	Schema string `json:"schema"`
}

// Register makes schema, Avro as JSON, a version of subject unless it is one, and returns its id. A
// refusal as incompatible has an *IncompatibleError as its cause.
func (c *Client) Register(ctx context.Context, subject, schema string) (int32, error) {
	var id int32
	err := c.retry(ctx, c.config.Attempts, nil, func() (err error) {
		id, err = c.register(ctx, subject, schema)
		return err
	})
	return id, err
}

func (c *Client) register(ctx context.Context, subject, schema string) (int32, error) {
	var answer struct {
		ID int32 `json:"id"`
	}
	k := call{op: "register schema", subject: subject, method: http.MethodPost,
		path: "/subjects/" + url.PathEscape(subject) + "/versions", body: schemaBody{schema}}
	err := c.call(ctx, k, &answer)
	switch {
	case isStatus(err, http.StatusConflict):
		return 0, c.explain(ctx, subject, schema, err)
	case err == nil && answer.ID <= 0:
		return 0, k.fail(fmt.Errorf("the answer has the id %d, needed is a positive one", answer.ID), "check that schema.registry.url is the registry's", false)
	}
	return answer.ID, err
}

// Lookup finds the version of subject that is schema. ErrNotFound is in the chain of the error when
// there is none.
func (c *Client) Lookup(ctx context.Context, subject, schema string) (Registered, error) {
	return get[Registered](ctx, c, call{op: "look up schema", subject: subject, method: http.MethodPost,
		path: "/subjects/" + url.PathEscape(subject), body: schemaBody{schema}})
}

// Latest is the newest version of subject; ErrNotFound as in Lookup.
func (c *Client) Latest(ctx context.Context, subject string) (Registered, error) {
	return get[Registered](ctx, c, call{op: "read latest schema", subject: subject,
		path: "/subjects/" + url.PathEscape(subject) + "/versions/latest"})
}

// SchemaByID is the schema with the id, as the registry keeps it; ErrNotFound as in Lookup.
func (c *Client) SchemaByID(ctx context.Context, id int32) (string, error) {
	answer, err := get[schemaBody](ctx, c, call{op: "read schema", path: "/schemas/ids/" + strconv.Itoa(int(id)), object: "id " + strconv.Itoa(int(id))})
	return answer.Schema, err
}

// Compatibility is a registry's verdict on a schema that was not registered.
type Compatibility struct {
	Compatible bool     `json:"is_compatible"`
	Messages   []string `json:"messages"` // the registry's reasons, in its words
}

// Compatible asks whether schema could follow subject's latest version. It changes nothing.
func (c *Client) Compatible(ctx context.Context, subject, schema string) (Compatibility, error) {
	return get[Compatibility](ctx, c, call{op: "check compatibility", subject: subject, method: http.MethodPost,
		path: "/compatibility/subjects/" + url.PathEscape(subject) + "/versions/latest?verbose=true", body: schemaBody{schema}})
}

// Level is the compatibility level that holds for subject: its own, else the registry's.
func (c *Client) Level(ctx context.Context, subject string) (compatibility.Level, error) {
	k := call{op: "read compatibility level", subject: subject, path: "/config/" + url.PathEscape(subject) + "?defaultToGlobal=true"}
	answer, err := get[struct {
		Level string `json:"compatibilityLevel"`
	}](ctx, c, k)
	if err != nil {
		return "", err
	}
	level, err := compatibility.ParseLevel(shorten(answer.Level))
	if err != nil {
		return "", k.fail(err, "check that schema.registry.url is the registry's", false)
	}
	return level, nil
}

// Holds says whether the registry has this very schema under the id, which an id that was kept from
// another registry would not.
func (c *Client) Holds(ctx context.Context, id int32, schema string) (bool, error) {
	text, err := c.SchemaByID(ctx, id)
	switch {
	case isNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return sameSchema(text, schema), nil
}

// sameSchema compares by meaning; what cannot be read can only be the same text.
func sameSchema(a, b string) bool {
	x, errX := compatibility.Parse(a)
	y, errY := compatibility.Parse(b)
	if errX != nil || errY != nil {
		return a == b
	}
	return x.Normal() == y.Normal()
}

// get retries k as often as the configuration says.
func get[T any](ctx context.Context, c *Client, k call) (T, error) {
	var answer T
	err := c.retry(ctx, c.config.Attempts, nil, func() error { return c.call(ctx, k, &answer) })
	return answer, err
}
