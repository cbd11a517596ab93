package registry

import (
	"net/http"

	"rdip/schema/compatibility"
)

// conflict is the newest earlier version that a proposed schema may not follow.
type conflict struct {
	version int
	text    string
	found   []compatibility.Incompatibility
}

// judge compares proposed with the last of earlier, or with all of them, newest first as Confluent
// does; nil means that it may follow.
func (rs records) judge(level compatibility.Level, proposed *compatibility.Schema, earlier []version, all bool) (*conflict, error) {
	for i := len(earlier) - 1; i >= 0; i-- {
		s, text, err := rs.parsed(earlier[i].ID)
		if err != nil {
			return nil, err
		}
		if found := level.Judge(proposed, s); found != nil {
			return &conflict{version: earlier[i].number, text: text, found: found}, nil
		}
		if !all {
			return nil, nil
		}
	}
	return nil, nil
}

// checkVersion judges against one version, at the subject's level.
func (r *Registry) checkVersion(req *http.Request) (any, error) {
	number, err := pathVersion(req)
	if err != nil {
		return nil, err
	}
	return r.check(req, func(rs records, subject string) ([]version, error) {
		v, err := rs.named(subject, number, false)
		if err != nil && number == latest {
			return nil, nil // nothing to be incompatible with
		}
		return []version{v}, err
	})
}

// checkAll judges as a registration would.
func (r *Registry) checkAll(req *http.Request) (any, error) {
	return r.check(req, func(rs records, subject string) ([]version, error) {
		all, err := rs.versions(subject)
		return live(all), err
	})
}

func (r *Registry) check(req *http.Request, choose func(rs records, subject string) ([]version, error)) (any, error) {
	p, err := readProposal(req)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"is_compatible": true}
	if flag(req, "verbose") {
		body["messages"] = []string{}
	}
	err = r.view(func(rs records) error {
		subject := req.PathValue("subject")
		earlier, err := choose(rs, subject)
		if err != nil {
			return err
		}
		level := rs.effectiveLevel(subject)
		c, err := rs.judge(level, p.parsed, earlier, level.Transitive())
		if c != nil {
			body["is_compatible"] = false
			if flag(req, "verbose") {
				body["messages"] = messages(c.version, c.text, level, c.found)
			}
		}
		return err
	})
	return body, err
}
