package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rdip/internal/fault"
)

// ErrNotFound is in the chain of an error that says: no such subject, version or schema.
var ErrNotFound = errors.New("not found")

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }

// StatusError is an answer of the registry other than 200.
type StatusError struct {
	URL        string // the endpoint, without credentials
	Status     int    // HTTP's
	Code       int    // the registry's, such as 42201; 0 when it gave none
	Message    string // the registry's, whole
	RetryAfter time.Duration
}

// maxMessage is how much of a registry's message an error's text shows, in bytes.
const maxMessage = 300

func (e *StatusError) Error() string {
	code := strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	if e.Code != 0 && e.Code != e.Status {
		code += fmt.Sprintf(" (error code %d)", e.Code)
	}
	if e.Message == "" {
		return fmt.Sprintf("%s answered %s", e.URL, code)
	}
	return fmt.Sprintf("%s answered %s: %s", e.URL, code, shorten(e.Message))
}

// Is makes a 404 of the registry itself, as opposed to a wrong path, ErrNotFound.
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Status == http.StatusNotFound && e.Code >= 40400
}

func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "..."
}

// refused turns an answer into the call's error: what may pass by itself is transient.
func (k call) refused(e endpoint, resp *http.Response, text []byte) error {
	var body struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &body) != nil {
		body.Message = "" // a proxy's page says nothing of use
	}
	s := &StatusError{URL: e.base, Status: resp.StatusCode, Code: body.Code, Message: body.Message,
		RetryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())}
	err := k.fail(s, hint(s, k), !passing(s.Status))
	if notTheSchema(s) {
		err.Kind = fault.Preflight
	}
	return err
}

// notTheSchema says whether the registry refuses us, or is not where it is looked for: whatever the schema.
func notTheSchema(s *StatusError) bool {
	switch s.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	}
	return s.Status == http.StatusNotFound && s.Code < 40400 || s.Status >= 300 && s.Status < 400
}

func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return status >= 500
}

func hint(s *StatusError, k call) string {
	switch {
	case s.Status == http.StatusUnauthorized:
		return "set basic.auth.user.info to USER:PASSWORD of a user that the registry knows"
	case s.Status == http.StatusForbidden && k.subject != "":
		return fmt.Sprintf("grant the registry's user read and write on subject %q", k.subject)
	case s.Status == http.StatusForbidden:
		return "grant the registry's user read on the registry"
	case s.Status == http.StatusNotFound && s.Code < 40400:
		return "check the path in schema.registry.url: Apicurio's, for one, ends in /apis/ccompat/v7"
	case s.Status == http.StatusRequestEntityTooLarge:
		return "raise the request size that the registry, or the proxy before it, accepts"
	case s.Status >= 300 && s.Status < 400:
		return "set schema.registry.url to the address that it is redirected to"
	}
	return ""
}

// parseRetryAfter reads seconds or a date (RFC 9110, 10.2.3); 0 when there is none.
func parseRetryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 24*60*60)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func retryAfter(err error) time.Duration {
	var s *StatusError
	if errors.As(err, &s) {
		return s.RetryAfter
	}
	return 0
}

// unreachable is a request without an answer. It passes, except where the server's certificate, or
// speaking TLS with one that does not, is the reason.
func (k call) unreachable(ctx context.Context, e endpoint, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which the endpoint names
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cause := fmt.Errorf("%s: %w", e.base, err)
	notSetUp := func(hint string) error {
		f := k.fail(cause, hint, true)
		f.Kind = fault.Preflight
		return f
	}
	var authority x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return notSetUp("set schema.registry.ssl.truststore.location to the authority that signed the registry's certificate")
	case errors.As(err, &certificate):
		return notSetUp("give the registry a certificate that is valid for the host in schema.registry.url")
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return notSetUp("the registry does not speak TLS there: write http:// or its TLS port in schema.registry.url")
	}
	return k.fail(cause, "", false)
}
