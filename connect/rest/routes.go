package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rdip/internal/secret"
)

// api answers requests from the runtime.
type api struct {
	runtime Runtime
	control Control // nil: nothing can be changed
	token   secret.Text
	worker  string // worker_id: the address
	stale   time.Duration
	alive   func() error
}

// routes are all paths; everything else is Connect's 404, and every other method its 405.
func (a *api) routes(metrics http.Handler) http.Handler {
	paths := map[string]methods{}
	for path, answer := range map[string]func(*http.Request) (any, *ErrorMessage){
		"/{$}":                                 a.root,
		"/connectors":                          a.connectors,
		"/connectors/{name}":                   a.of(func(c *Connector) any { return c.info() }),
		"/connectors/{name}/status":            a.of(func(c *Connector) any { return c.status(a.worker) }),
		"/connectors/{name}/config":            a.of(func(c *Connector) any { return redacted(c.Config) }),
		"/connectors/{name}/topics":            a.of(func(c *Connector) any { return c.topics() }),
		"/connectors/{name}/offsets":           a.of(func(c *Connector) any { return c.offsets() }),
		"/connectors/{name}/snapshots":         a.of(func(c *Connector) any { return orEmpty(c.Snapshots) }),
		"/connectors/{name}/tasks":             a.of(func(c *Connector) any { return c.tasks() }),
		"/connectors/{name}/tasks/{id}/status": a.task,
		"/connector-plugins":                   a.plugins,
		"/":                                    notFound,
	} {
		paths[path] = methods{http.MethodGet: respond(answer)}
	}
	paths["/health"] = methods{http.MethodGet: a.health(a.ready)}
	paths["/health/ready"] = methods{http.MethodGet: a.health(a.ready)}
	paths["/health/live"] = methods{http.MethodGet: a.health(a.live)}
	paths["/metrics"] = methods{http.MethodGet: metrics}
	if a.control != nil {
		a.changes(paths)
	}
	mux := http.NewServeMux()
	for path, answers := range paths {
		mux.Handle(path, answers)
	}
	return mux
}

func (a *api) root(*http.Request) (any, *ErrorMessage) { return a.runtime.Info(), nil }

func (a *api) plugins(*http.Request) (any, *ErrorMessage) { return orEmpty(a.runtime.Plugins()), nil }

func notFound(*http.Request) (any, *ErrorMessage) {
	return nil, &ErrorMessage{http.StatusNotFound, "HTTP 404 Not Found"}
}

// connectors lists names, or with expand=status and expand=info what is asked for.
func (a *api) connectors(r *http.Request) (any, *ErrorMessage) {
	all, expand := a.runtime.Connectors(), r.URL.Query()["expand"]
	if len(expand) == 0 {
		names := make([]string, len(all))
		for i := range all {
			names[i] = all[i].Name
		}
		return names, nil
	}
	expanded := make(map[string]Expanded, len(all))
	for i := range all {
		var e Expanded
		if slices.Contains(expand, "info") {
			e.Info = all[i].info()
		}
		if slices.Contains(expand, "status") {
			e.Status = all[i].status(a.worker)
		}
		expanded[all[i].Name] = e
	}
	return expanded, nil
}

// of answers with a form of the connector that the path names.
func (a *api) of(form func(*Connector) any) func(*http.Request) (any, *ErrorMessage) {
	return func(r *http.Request) (any, *ErrorMessage) {
		c, missing := a.connector(r)
		if missing != nil {
			return nil, missing
		}
		return form(c), nil
	}
}

func (a *api) connector(r *http.Request) (*Connector, *ErrorMessage) {
	name := r.PathValue("name")
	all := a.runtime.Connectors()
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
	}
	return nil, &ErrorMessage{http.StatusNotFound, "Connector " + name + " not found"}
}

func (a *api) task(r *http.Request) (any, *ErrorMessage) {
	c, missing := a.connector(r)
	if missing != nil {
		return nil, missing
	}
	for i := range c.Tasks {
		if strconv.Itoa(c.Tasks[i].ID) == r.PathValue("id") {
			return c.Tasks[i].status(a.worker), nil
		}
	}
	return nil, &ErrorMessage{http.StatusNotFound, "No status found for task " + c.Name + "-" + r.PathValue("id")}
}

// bearer is the token that a request shows.
func bearer(r *http.Request) secret.Text {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return secret.New(strings.TrimSpace(token))
}

func (a *api) ready() Health { return readiness(a.runtime.Connectors(), a.stale, time.Now()) }

func (a *api) live() Health {
	if err := a.alive(); err != nil {
		return Health{Status: "unhealthy", Message: err.Error()}
	}
	return Health{Status: "healthy", Message: "the process is alive"}
}

func (a *api) health(judge func() Health) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := judge()
		code := http.StatusOK
		if h.Status != "healthy" {
			code = http.StatusServiceUnavailable
		}
		write(w, code, h)
	})
}

func respond(answer func(*http.Request) (any, *ErrorMessage)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, problem := answer(r)
		if problem != nil {
			write(w, problem.ErrorCode, problem)
			return
		}
		write(w, http.StatusOK, body)
	})
}

// trimSlash takes "/connectors/" for "/connectors", as Connect does.
func trimSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) > 1 && strings.HasSuffix(r.URL.Path, "/") {
			u := *r.URL
			u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
			trimmed := *r
			trimmed.URL = &u
			r = &trimmed
		}
		next.ServeHTTP(w, r)
	})
}

func write(w http.ResponseWriter, code int, body any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		code = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"error_code":500,"message":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(code)
	w.Write(b.Bytes()) //nolint:errcheck // the client has gone, and there is nobody to tell
}
