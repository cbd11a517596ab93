package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rdip/internal/fault"
)

// Control changes what runs. Its methods may be called by any goroutine at any time. A name that is handed
// over is one of Runtime.Connectors, except of the offsets' methods. An error is shown as it is, so that none
// may hold a secret: an *ErrorMessage has its own code, a fault of kind Configuration is a 400, and others
// are a 500.
type Control interface {
	// Pause, Resume and Stop are stored when they return, and done when the state of the connector says so.
	Pause(name string) error
	Resume(name string) error
	Stop(name string) error
	Restart(name string, onlyFailed bool) error
	Snapshots(name string) (Snapshots, error)
	Tables(name string) (Tables, error)
	// Reload reads the configuration again, and applies all of it or nothing: its error is then a
	// fault.Findings or holds one.
	Reload(ctx context.Context) (Reloaded, error)
	LogLevel() (level slog.Level, changed time.Time) // changed is zero where it never was
	SetLogLevel(level slog.Level)
	// ResetOffsets forgets the position of a connector that is stopped, SetOffset sets it.
	ResetOffsets(name string) error
	SetOffset(name string, position json.RawMessage) error
	// Validate judges a configuration of a connector without asking a server.
	Validate(class string, config map[string]string) (Validation, error)
}

// Reloaded is the answer to PUT /admin/reload: what became of the connectors, by name.
type Reloaded struct {
	Unchanged []string `json:"unchanged"`
	Restarted []string `json:"restarted"`
	Started   []string `json:"started"`
	Removed   []string `json:"removed"` // drained and gone; what they have at their sources stays
	Notices   []string `json:"notices,omitempty"`
}

// Error makes an answer of the API an error of Control's.
func (m *ErrorMessage) Error() string { return m.Message }

// changes are the paths that change something, by method.
func (a *api) changes(mux map[string]methods) {
	add := func(method, path string, answer func(*http.Request) (any, *ErrorMessage), code int) {
		if mux[path] == nil {
			mux[path] = methods{}
		}
		mux[path][method] = a.guardedChange(answer, code)
	}
	named := func(change func(name string) error) func(*http.Request) (any, *ErrorMessage) {
		return func(r *http.Request) (any, *ErrorMessage) {
			c, missing := a.connector(r)
			if missing != nil {
				return nil, missing
			}
			return nil, problem(change(c.Name))
		}
	}
	add(http.MethodPut, "/connectors/{name}/pause", named(a.control.Pause), http.StatusAccepted)
	add(http.MethodPut, "/connectors/{name}/resume", named(a.control.Resume), http.StatusAccepted)
	add(http.MethodPut, "/connectors/{name}/stop", named(a.control.Stop), http.StatusNoContent)
	add(http.MethodPost, "/connectors/{name}/restart", a.restart, http.StatusNoContent)
	add(http.MethodPost, "/connectors/{name}/tasks/{id}/restart", a.restartTask, http.StatusNoContent)
	add(http.MethodDelete, "/connectors/{name}/offsets", a.resetOffsets, http.StatusOK)
	add(http.MethodPatch, "/connectors/{name}/offsets", a.setOffsets, http.StatusOK)
	a.snapshotChanges(add)
	add(http.MethodPut, "/connectors/{name}/tables/resume", a.resumeTables, http.StatusOK)
	add(http.MethodPut, "/admin/reload", a.reload, http.StatusOK)
	add(http.MethodPut, "/admin/loggers/{logger}", a.setLogger, http.StatusOK)
	add(http.MethodPut, "/connector-plugins/{class}/config/validate", a.validate, http.StatusOK)
	mux["/admin/loggers"] = methods{http.MethodGet: respond(a.loggers)}
	mux["/admin/loggers/{logger}"][http.MethodGet] = respond(a.logger)
}

// CSRFHeader is what a request that changes something carries unless it is JSON: a page in a browser can
// send neither to another origin without asking first (a preflight, which nobody answers here).
const CSRFHeader = "X-Requested-By"

// guardedChange lets through what a page in a browser cannot have sent, and what shows the token, and gives
// the change the time it needs: a reload waits for connectors to drain.
func (a *api) guardedChange(answer func(*http.Request) (any, *ErrorMessage), code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refused := a.admit(r); refused != nil {
			write(w, refused.ErrorCode, refused)
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		body, problem := answer(r)
		switch {
		case problem != nil:
			write(w, problem.ErrorCode, problem)
		case body == nil:
			w.WriteHeader(code)
		case code == http.StatusNoContent: // Connect's restart has an answer only where one is asked for
			write(w, http.StatusAccepted, body)
		default:
			write(w, code, body)
		}
	})
}

func (a *api) admit(r *http.Request) *ErrorMessage {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(media), "application/json") && r.Header.Get(CSRFHeader) == "" {
		return &ErrorMessage{http.StatusForbidden, "a request that changes something needs the header Content-Type: application/json, or " + CSRFHeader + " with any value"}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" {
		return &ErrorMessage{http.StatusForbidden, "the request comes from another site"}
	}
	if !a.token.IsEmpty() && !a.token.Equal(bearer(r)) {
		return &ErrorMessage{http.StatusUnauthorized, "a request that changes something needs the token of rest.token.file: Authorization: Bearer TOKEN"}
	}
	return nil
}

// problem is an error as the API shows it; nil for none.
func problem(err error) *ErrorMessage {
	var message *ErrorMessage
	switch {
	case err == nil:
		return nil
	case errors.As(err, &message):
		return message
	case fault.KindOf(err) == fault.Configuration:
		return &ErrorMessage{http.StatusBadRequest, err.Error()}
	default:
		return &ErrorMessage{http.StatusInternalServerError, err.Error()}
	}
}

// restart is Connect's; a connector is its one task here, so that it begins anew with includeTasks or
// without. With it the answer is the status, without it there is none.
func (a *api) restart(r *http.Request) (any, *ErrorMessage) {
	c, missing := a.connector(r)
	if missing != nil {
		return nil, missing
	}
	query := r.URL.Query()
	if err := a.control.Restart(c.Name, query.Get("onlyFailed") == "true"); err != nil {
		return nil, problem(err)
	}
	if query.Get("includeTasks") != "true" {
		return nil, nil
	}
	c, missing = a.connector(r)
	if missing != nil {
		return nil, missing
	}
	return c.status(a.worker), nil
}

func (a *api) restartTask(r *http.Request) (any, *ErrorMessage) {
	if _, missing := a.task(r); missing != nil {
		return nil, missing
	}
	return nil, problem(a.control.Restart(r.PathValue("name"), false))
}

// Offsets of a connector that is not configured any more may be forgotten, so that the name is not looked up.
func (a *api) resetOffsets(r *http.Request) (any, *ErrorMessage) {
	if err := a.control.ResetOffsets(r.PathValue("name")); err != nil {
		return nil, problem(err)
	}
	return message("The offsets for this connector have been reset successfully"), nil
}

func (a *api) setOffsets(r *http.Request) (any, *ErrorMessage) {
	c, missing := a.connector(r)
	if missing != nil {
		return nil, missing
	}
	var asked ConnectorOffsets
	if refused := decode(r, &asked); refused != nil {
		return nil, refused
	}
	if len(asked.Offsets) != 1 || asked.Offsets[0].Partition["server"] != c.Server {
		return nil, &ErrorMessage{http.StatusBadRequest, fmt.Sprintf(`one offset is needed, of the partition {"server":%q}`, c.Server)}
	}
	var err error
	if offset := asked.Offsets[0].Offset; string(offset) == "null" {
		err = a.control.ResetOffsets(c.Name)
	} else {
		err = a.control.SetOffset(c.Name, offset)
	}
	if err != nil {
		return nil, problem(err)
	}
	return message("The offsets for this connector have been altered successfully"), nil
}

func message(text string) map[string]string { return map[string]string{"message": text} }

func (a *api) reload(r *http.Request) (any, *ErrorMessage) {
	done, err := a.control.Reload(context.WithoutCancel(r.Context())) // a caller that goes leaves nothing half done
	if err != nil {
		return nil, problem(err)
	}
	done.Unchanged, done.Restarted, done.Started, done.Removed = orEmpty(done.Unchanged), orEmpty(done.Restarted), orEmpty(done.Started), orEmpty(done.Removed)
	return done, nil
}

// LoggerLevel is GET /admin/loggers/{logger}, and of PUT the body.
type LoggerLevel struct {
	Level        string `json:"level"`
	LastModified *int64 `json:"last_modified"` // ms since 1970 UTC; null: as configured
}

// rootLogger is the one logger there is.
const rootLogger = "root"

func (a *api) loggers(*http.Request) (any, *ErrorMessage) {
	return map[string]LoggerLevel{rootLogger: a.level()}, nil
}

func (a *api) logger(r *http.Request) (any, *ErrorMessage) {
	if name := r.PathValue("logger"); name != rootLogger {
		return nil, &ErrorMessage{http.StatusNotFound, "Logger " + name + " not found: the one logger is root"}
	}
	return a.level(), nil
}

func (a *api) level() LoggerLevel {
	level, changed := a.control.LogLevel()
	out := LoggerLevel{Level: level.String()}
	if !changed.IsZero() {
		ms := changed.UnixMilli()
		out.LastModified = &ms
	}
	return out
}

// setLogger sets the level until the next reload or start; the answer is Connect's list of what it changed.
func (a *api) setLogger(r *http.Request) (any, *ErrorMessage) {
	if _, missing := a.logger(r); missing != nil {
		return nil, missing
	}
	var asked LoggerLevel
	if refused := decode(r, &asked); refused != nil {
		return nil, refused
	}
	var level slog.Level
	switch strings.ToUpper(asked.Level) {
	case "TRACE", "DEBUG":
		level = slog.LevelDebug
	case "INFO":
		level = slog.LevelInfo
	case "WARN", "WARNING":
		level = slog.LevelWarn
	case "ERROR", "FATAL":
		level = slog.LevelError
	default: // Connect's code for it
		return nil, &ErrorMessage{http.StatusNotFound, fmt.Sprintf("invalid log level %q: DEBUG, INFO, WARN or ERROR", asked.Level)}
	}
	a.control.SetLogLevel(level)
	return []string{rootLogger}, nil
}

// decode reads a request's JSON.
func decode(r *http.Request, into any) *ErrorMessage {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return &ErrorMessage{http.StatusBadRequest, "the body is not what is needed: " + err.Error()}
	}
	return nil
}
