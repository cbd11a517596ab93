package registry

import (
	"net/http"

	"rdip/schema/compatibility"
)

func levelBody(l compatibility.Level) any { return map[string]any{"compatibilityLevel": l} }

func (r *Registry) showGlobalLevel(*http.Request) (body any, err error) {
	err = r.view(func(rs records) error {
		body = levelBody(rs.effectiveLevel(""))
		return nil
	})
	return body, err
}

func (r *Registry) showLevel(req *http.Request) (body any, err error) {
	subject := req.PathValue("subject")
	err = r.view(func(rs records) error {
		if rs.level(subject) == "" && !flag(req, "defaultToGlobal") {
			return noLevel(subject)
		}
		body = levelBody(rs.effectiveLevel(subject))
		return nil
	})
	return body, err
}

// setLevel sets the subject's level, or the global one where the path names no subject.
func (r *Registry) setLevel(req *http.Request) (any, error) {
	var body struct {
		Compatibility string `json:"compatibility"`
	}
	if err := readBody(req, &body); err != nil {
		return nil, err
	}
	level, err := compatibility.ParseLevel(body.Compatibility)
	if err != nil {
		return nil, invalidLevel()
	}
	err = r.update(func(rs records) error {
		if err := rs.writable(req.PathValue("subject")); err != nil {
			return err
		}
		return rs.setLevel(req.PathValue("subject"), level)
	})
	return map[string]any{"compatibility": level}, err
}

// clearLevel makes the global level the subject's again, and answers with the one it had.
func (r *Registry) clearLevel(req *http.Request) (body any, err error) {
	subject := req.PathValue("subject")
	err = r.update(func(rs records) error {
		was := rs.level(subject)
		if was == "" {
			return subjectNotFound(subject)
		}
		body = levelBody(was)
		return rs.clearLevel(subject)
	})
	return body, err
}

// clearGlobalLevel makes BACKWARD the global level again.
func (r *Registry) clearGlobalLevel(*http.Request) (body any, err error) {
	err = r.update(func(rs records) error {
		body = levelBody(rs.effectiveLevel(""))
		return rs.clearLevel("")
	})
	return body, err
}
