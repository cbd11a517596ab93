package registry

import "net/http"

// byID answers with what do makes of the schema that has the request's id.
func (r *Registry) byID(req *http.Request, do func(rs records, id int32, text string) error) error {
	id, err := pathID(req)
	if err != nil {
		return err
	}
	return r.view(func(rs records) error {
		text, ok, err := rs.schema(id)
		if err != nil {
			return err
		}
		if !ok {
			return idNotFound(id)
		}
		return do(rs, id, text)
	})
}

// showID shows a schema whether or not a subject that has it is softly deleted: records written with
// it are still there.
func (r *Registry) showID(req *http.Request) (body any, err error) {
	err = r.byID(req, func(_ records, _ int32, text string) error {
		body = map[string]any{"schema": text}
		return nil
	})
	return body, err
}

func (r *Registry) showIDSchema(req *http.Request) (body any, err error) {
	err = r.byID(req, func(_ records, _ int32, text string) error {
		body = schemaText(text)
		return nil
	})
	return body, err
}

type subjectVersion struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

func (r *Registry) uses(req *http.Request) ([]subjectVersion, error) {
	list := []subjectVersion{}
	err := r.byID(req, func(rs records, id int32, _ string) error {
		return rs.everySubject(func(subject string, all []version) error {
			for _, v := range visible(all, flag(req, "deleted")) {
				if v.ID == id {
					list = append(list, subjectVersion{subject, v.number})
				}
			}
			return nil
		})
	})
	return list, err
}

func (r *Registry) listIDVersions(req *http.Request) (any, error) {
	return r.uses(req)
}

func (r *Registry) listIDSubjects(req *http.Request) (any, error) {
	uses, err := r.uses(req)
	subjects := []string{}
	for _, u := range uses {
		if n := len(subjects); n == 0 || subjects[n-1] != u.Subject {
			subjects = append(subjects, u.Subject)
		}
	}
	return subjects, err
}
