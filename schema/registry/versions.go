package registry

import (
	"net/http"
	"strings"
)

// visible leaves softly deleted versions out unless they are asked for.
func visible(all []version, deleted bool) []version {
	if deleted {
		return all
	}
	return live(all)
}

func live(all []version) []version {
	var list []version
	for _, v := range all {
		if !v.Deleted {
			list = append(list, v)
		}
	}
	return list
}

// resolve finds a version by number, or the latest.
func resolve(list []version, number int) (version, bool) {
	for i := len(list) - 1; i >= 0; i-- {
		if number == latest || list[i].number == number {
			return list[i], true
		}
	}
	return version{}, false
}

// describe is a version as the API shows it.
func (rs records) describe(subject string, v version) (any, error) {
	text, _, err := rs.schema(v.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"subject": subject, "version": v.number, "id": v.ID, "schema": text}, nil
}

func (r *Registry) listSubjects(req *http.Request) (any, error) {
	prefix, deleted, onlyDeleted := req.URL.Query().Get("subjectPrefix"), flag(req, "deleted"), flag(req, "deletedOnly")
	names := []string{}
	err := r.view(func(rs records) error {
		return rs.everySubject(func(subject string, all []version) error {
			isDeleted := len(live(all)) == 0
			if strings.HasPrefix(subject, prefix) && (isDeleted && (deleted || onlyDeleted) || !isDeleted && !onlyDeleted) {
				names = append(names, subject)
			}
			return nil
		})
	})
	return names, err
}

func (r *Registry) listVersions(req *http.Request) (any, error) {
	subject, numbers := req.PathValue("subject"), []int{}
	onlyDeleted := flag(req, "deletedOnly")
	err := r.view(func(rs records) error {
		all, err := rs.versions(subject)
		if err != nil {
			return err
		}
		for _, v := range visible(all, flag(req, "deleted") || onlyDeleted) {
			if v.Deleted || !onlyDeleted {
				numbers = append(numbers, v.number)
			}
		}
		if len(numbers) == 0 {
			return subjectNotFound(subject)
		}
		return nil
	})
	return numbers, err
}

// one runs do on the version that the request names.
func (r *Registry) one(req *http.Request, do func(rs records, subject string, v version) error) error {
	subject := req.PathValue("subject")
	number, err := pathVersion(req)
	if err != nil {
		return err
	}
	return r.view(func(rs records) error {
		v, err := rs.named(subject, number, flag(req, "deleted"))
		if err != nil {
			return err
		}
		return do(rs, subject, v)
	})
}

// named is the version of the subject with the number, or the latest; which of the two is missing is
// told by the error.
func (rs records) named(subject string, number int, deleted bool) (version, error) {
	all, err := rs.versions(subject)
	if err != nil {
		return version{}, err
	}
	list := visible(all, deleted)
	if len(list) == 0 {
		return version{}, subjectNotFound(subject)
	}
	v, ok := resolve(list, number)
	if !ok {
		return version{}, versionNotFound(number)
	}
	return v, nil
}

func (r *Registry) showVersion(req *http.Request) (body any, err error) {
	err = r.one(req, func(rs records, subject string, v version) error {
		body, err = rs.describe(subject, v)
		return err
	})
	return body, err
}

func (r *Registry) showVersionSchema(req *http.Request) (body any, err error) {
	err = r.one(req, func(rs records, _ string, v version) error {
		text, _, err := rs.schema(v.ID)
		body = schemaText(text)
		return err
	})
	return body, err
}

// listReferences is always empty: there are no references.
func (r *Registry) listReferences(req *http.Request) (any, error) {
	err := r.one(req, func(records, string, version) error { return nil })
	return []int{}, err
}
