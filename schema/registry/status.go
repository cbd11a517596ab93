package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"rdip/schema/compatibility"
)

// status is an answer that is not 200, in Confluent's form: HTTP status and an error code that is finer.
type status struct {
	http    int
	code    int
	message string
}

func (s *status) Error() string { return s.message }

func refuse(code int, format string, args ...any) *status {
	http := code
	if code > 999 {
		http = code / 100
	}
	return &status{http: http, code: code, message: fmt.Sprintf(format, args...)}
}

// Confluent's codes, with its wording (io.confluent.kafka.schemaregistry.rest.exceptions.Errors), which
// some clients compare.

func subjectNotFound(subject string) error { return refuse(40401, "Subject '%s' not found.", subject) }
func versionNotFound(version int) error    { return refuse(40402, "Version %d not found.", version) }
func schemaNotFound() error                { return refuse(40403, "Schema not found") }
func idNotFound(id int32) error            { return refuse(40403, "Schema %d not found", id) }
func invalidSchema(cause error) error      { return refuse(42201, "Invalid schema: %v", cause) }
func subjectSoftDeleted(s string) error {
	return refuse(40404, "Subject '%s' was soft deleted. Set permanent=true to delete permanently", s)
}
func subjectNotSoftDeleted(s string) error {
	return refuse(40405, "Subject '%s' was not deleted first before being permanently deleted", s)
}
func noLevel(subject string) error {
	return refuse(40408, "Subject '%s' does not have subject-level compatibility configured", subject)
}
func noMode(subject string) error {
	return refuse(40409, "Subject '%s' does not have subject-level mode configured", subject)
}
func versionSoftDeleted(s string, v int) error {
	return refuse(40406, "Subject '%s' Version %d was soft deleted. Set permanent=true to delete permanently", s, v)
}
func versionNotSoftDeleted(s string, v int) error {
	return refuse(40407, "Subject '%s' Version %d was not deleted first before being permanently deleted", s, v)
}
func invalidVersion(text string) error {
	return refuse(42202, "The specified version '%s' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"", text)
}
func invalidLevel() error {
	return refuse(42203, "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive")
}

// incompatible lists every reason, the earlier schema and the level, as Confluent does.
func incompatible(subject string, version int, earlier string, level compatibility.Level, found []compatibility.Incompatibility) error {
	details := ""
	for _, m := range messages(version, earlier, level, found) {
		if details != "" {
			details += ", "
		}
		details += m
	}
	return refuse(http.StatusConflict, "Schema being registered is incompatible with an earlier schema for subject %q, details: [%s]", subject, details)
}

func messages(version int, earlier string, level compatibility.Level, found []compatibility.Incompatibility) []string {
	var list []string
	for _, i := range found {
		list = append(list, i.String())
	}
	return append(list, fmt.Sprintf("{oldSchemaVersion: %d}", version), fmt.Sprintf("{oldSchema: '%s'}", earlier),
		fmt.Sprintf("{compatibility: '%s'}", level))
}

const contentType = "application/vnd.schemaregistry.v1+json"

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	// A client that went away is no failure of ours.
	_ = e.Encode(body)
}

func writeError(w http.ResponseWriter, err error) {
	var s *status
	if !errors.As(err, &s) {
		s = refuse(50001, "Error in the backend data store: %v", err)
	}
	writeJSON(w, s.http, map[string]any{"error_code": s.code, "message": s.message})
}
