// Package client talks to a Confluent-compatible schema registry: it registers Avro schemas and finds
// them again. A Client makes single calls; a Registrar gives a schema's id for as long as it takes,
// asking the registry only for what it has never registered before.
//
// Every failure is a *fault.Error: transient where asking again can help (unreachable, 429, 5xx),
// permanent where it cannot, with a StatusError or IncompatibleError as its cause. Credentials are kept
// out of errors, logs and printed values.
package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"rdip/internal/fault"
	"rdip/internal/secret"
)

// Config says where the registry is and how to reach it. Its zero durations and counts take defaults.
// It prints without its credentials.
type Config struct {
	// URLs are the registry's addresses, separated by commas (Confluent's schema.registry.url): each is
	// the whole registry, and one that fails is passed over for the next. USER:PASS@ in one is used
	// where UserInfo is empty.
	URLs string
	// UserInfo is USER:PASS for HTTP's basic authentication (basic.auth.user.info).
	UserInfo secret.Text
	// BearerToken is sent as it is (bearer.auth.token); not together with UserInfo.
	BearerToken secret.Text
	// TLS is used for https addresses; nil verifies in full against the system's authorities.
	TLS *tls.Config
	// AllowPlaintext permits http addresses that are not loopback.
	AllowPlaintext bool

	Timeout    time.Duration // of one request, from dialling to the answer's last byte; 10 s
	Attempts   int           // rounds over all URLs that a call of Client makes before it gives up; 3
	MinBackoff time.Duration // before the second round; 200 ms, doubling from there
	MaxBackoff time.Duration // the most between two rounds; 30 s, Retry-After included
}

// MaxParallel is how many requests of one Client are under way at most.
const MaxParallel = 16

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&c.Timeout, 10*time.Second)
	set(&c.MinBackoff, 200*time.Millisecond)
	set(&c.MaxBackoff, 30*time.Second)
	if c.Attempts <= 0 {
		c.Attempts = 3
	}
	return c
}

// endpoint is one address of the registry, without credentials.
type endpoint struct {
	base string      // scheme, host and path, no slash at the end
	auth secret.Text // the Authorization header; empty for none
}

// endpoints reads the URLs, or says everything that is wrong with them at once.
func (c Config) endpoints() ([]endpoint, error) {
	auth, err := c.authorization()
	if err != nil {
		return nil, err
	}
	var list []endpoint
	var wrong []error
	for text := range strings.SplitSeq(c.URLs, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		e, err := c.endpoint(text, auth)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		list = append(list, e)
	}
	if len(list)+len(wrong) == 0 {
		wrong = append(wrong, misconfigured("schema.registry.url", errors.New("it is empty"), "schema.registry.url: http://localhost:8081"))
	}
	return list, errors.Join(wrong...)
}

func (c Config) authorization() (secret.Text, error) {
	user, token := c.UserInfo.Reveal(), c.BearerToken.Reveal()
	switch {
	case user != "" && token != "":
		return secret.Text{}, misconfigured("basic.auth.user.info", errors.New("a bearer token is configured too, and a request carries one of them"),
			"remove basic.auth.user.info or bearer.auth.token")
	case user != "" && !strings.Contains(user, ":"):
		return secret.Text{}, misconfigured("basic.auth.user.info", errors.New("it has no colon, needed is USER:PASSWORD"), "basic.auth.user.info: ${file:/etc/rdip/registry.auth}")
	case user != "":
		return basic(user), nil
	case token != "":
		return secret.New("Bearer " + token), nil
	}
	return secret.Text{}, nil
}

func (c Config) endpoint(text string, auth secret.Text) (endpoint, error) {
	u, err := url.Parse(text)
	// The text may hold a password, so neither it nor url.Parse's error, which quotes it, is shown.
	if err != nil {
		return endpoint{}, misconfigured("schema.registry.url", errors.New("one of the addresses is not a URL"), "write http://HOST:PORT or https://HOST:PORT")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return endpoint{}, misconfigured("schema.registry.url", fmt.Errorf("an address has scheme %q and host %q, needed are http or https and a host", u.Scheme, u.Hostname()),
			"write http://HOST:PORT or https://HOST:PORT")
	}
	if auth.Reveal() == "" && u.User != nil {
		password, _ := u.User.Password()
		auth = basic(u.User.Username() + ":" + password)
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	base := strings.TrimRight(u.String(), "/")
	if u.Scheme == "http" && !c.AllowPlaintext && !loopback(u.Hostname()) {
		return endpoint{}, misconfigured("schema.registry.url", fmt.Errorf("%s is plaintext over a network", base),
			"schema.registry.url: https"+strings.TrimPrefix(base, "http"))
	}
	return endpoint{base: base, auth: auth}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func misconfigured(key string, cause error, hint string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "use", Object: key, Cause: cause, Hint: hint, Permanent: true}
}

// Addresses are the URLs without credentials, for status and logs; an address that is no URL is left out.
func (c Config) Addresses() []string {
	c.AllowPlaintext = true
	list, _ := c.endpoints()
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.base
	}
	return out
}

// Format prints the addresses and nothing else, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "schema registry %s", strings.Join(c.Addresses(), ","))
}

// LogValue is what Format prints.
func (c Config) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// MarshalJSON is what Format prints.
func (c Config) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", fmt.Sprint(c)), nil }
