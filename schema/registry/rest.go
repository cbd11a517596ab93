package registry

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// latest stands for the newest version where a number is asked for.
const latest = -1

// maxSubject is the longest name of a subject, in bytes. (A Kafka topic has at most 249.)
const maxSubject = 1024

// handler answers with a body for 200, or with an error.
type handler func(*http.Request) (any, error)

// ServeHTTP answers one request of Confluent's REST API.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	req.Body = http.MaxBytesReader(w, req.Body, MaxBody)
	r.mux.ServeHTTP(w, req)
}

func (r *Registry) routes() {
	for pattern, h := range map[string]handler{
		"GET /{$}":                                                  func(*http.Request) (any, error) { return struct{}{}, nil },
		"GET /contexts":                                             func(*http.Request) (any, error) { return []string{"."}, nil },
		"GET /subjects":                                             r.listSubjects,
		"POST /subjects/{subject}":                                  r.lookUp,
		"DELETE /subjects/{subject}":                                r.deleteSubject,
		"GET /subjects/{subject}/versions":                          r.listVersions,
		"POST /subjects/{subject}/versions":                         r.register,
		"GET /subjects/{subject}/versions/{version}":                r.showVersion,
		"DELETE /subjects/{subject}/versions/{version}":             r.deleteVersion,
		"GET /subjects/{subject}/versions/{version}/schema":         r.showVersionSchema,
		"GET /subjects/{subject}/versions/{version}/referencedby":   r.listReferences,
		"GET /schemas/types":                                        func(*http.Request) (any, error) { return []string{avroType}, nil },
		"GET /schemas/ids/{id}":                                     r.showID,
		"GET /schemas/ids/{id}/schema":                              r.showIDSchema,
		"GET /schemas/ids/{id}/versions":                            r.listIDVersions,
		"GET /schemas/ids/{id}/subjects":                            r.listIDSubjects,
		"GET /config":                                               r.showGlobalLevel,
		"PUT /config":                                               r.setLevel,
		"DELETE /config":                                            r.clearGlobalLevel,
		"GET /config/{subject}":                                     r.showLevel,
		"PUT /config/{subject}":                                     r.setLevel,
		"DELETE /config/{subject}":                                  r.clearLevel,
		"GET /mode":                                                 r.showMode,
		"PUT /mode":                                                 r.setMode,
		"GET /mode/{subject}":                                       r.showMode,
		"PUT /mode/{subject}":                                       r.setMode,
		"DELETE /mode/{subject}":                                    r.clearMode,
		"POST /compatibility/subjects/{subject}/versions":           r.checkAll,
		"POST /compatibility/subjects/{subject}/versions/{version}": r.checkVersion,
	} {
		r.mux.Handle(pattern, h)
	}
	r.mux.HandleFunc("/", notFound)
}

func notFound(w http.ResponseWriter, req *http.Request) {
	writeError(w, refuse(http.StatusNotFound, "HTTP 404 Not Found: %s %s", req.Method, req.URL.Path))
}

func (h handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if s := req.PathValue("subject"); len(s) > maxSubject || s == "__GLOBAL" || s == "__EMPTY" || strings.HasPrefix(s, ":.") {
		writeError(w, refuse(42208, "The specified subject '%.100s' is not a valid subject: contexts (:.name:) are not supported, "+
			"__GLOBAL and __EMPTY are reserved, and %d bytes are the most", s, maxSubject))
		return
	}
	body, err := h(req)
	if err != nil {
		writeError(w, err)
		return
	}
	switch text := body.(type) {
	case schemaText:
		w.Header().Set("Content-Type", contentType)
		// A client that went away is no failure of ours.
		_, _ = io.WriteString(w, string(text))
	default:
		writeJSON(w, http.StatusOK, body)
	}
}

// schemaText is a body that is sent as it is.
type schemaText string

// readBody decodes the request's JSON, however it is labelled as JSON.
func readBody(req *http.Request, into any) error {
	if t := req.Header.Get("Content-Type"); t != "" {
		media, _, err := mime.ParseMediaType(t)
		if err != nil || !(strings.HasSuffix(media, "json") || media == "application/octet-stream") {
			return refuse(http.StatusUnsupportedMediaType, "Content-Type %q: needed is %s", t, contentType)
		}
	}
	text, err := io.ReadAll(req.Body)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return refuse(http.StatusRequestEntityTooLarge, "The request is longer than %d bytes", long.Limit)
	case err != nil:
		return refuse(http.StatusBadRequest, "The request could not be read: %v", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return refuse(http.StatusUnprocessableEntity, "The request is not valid: %v", err)
	}
	return nil
}

// flag reads a boolean of the query; absent is false.
func flag(req *http.Request, name string) bool {
	return strings.EqualFold(req.URL.Query().Get(name), "true")
}

// pathVersion reads a version: a number from 1, -1 or "latest".
func pathVersion(req *http.Request) (int, error) {
	text := req.PathValue("version")
	if text == "latest" || text == "-1" {
		return latest, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, invalidVersion(text)
	}
	return int(n), nil
}

func pathID(req *http.Request) (int32, error) {
	n, err := strconv.ParseInt(req.PathValue("id"), 10, 32)
	if err != nil || n < 0 {
		return 0, refuse(http.StatusNotFound, "HTTP 404 Not Found: a schema id is a number, not %q", req.PathValue("id"))
	}
	return int32(n), nil
}
