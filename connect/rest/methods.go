package rest

import (
	"net/http"
	"strings"
)

// methods answers each method of a path with its handler, HEAD as GET, and others with Connect's 405.
type methods map[string]http.Handler

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := m[method]; h != nil {
		h.ServeHTTP(w, r)
		return
	}
	var allowed []string
	for _, name := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if m[name] != nil || name == http.MethodHead && m[http.MethodGet] != nil {
			allowed = append(allowed, name)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	write(w, http.StatusMethodNotAllowed, &ErrorMessage{http.StatusMethodNotAllowed,
		"HTTP 405 Method Not Allowed: connectors are made, changed and removed in the configuration file: edit it, then rdip reload"})
}
