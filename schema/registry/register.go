package registry

import (
	"encoding/json"
	"net/http"

	"rdip/schema/compatibility"
)

const avroType = "AVRO"

// proposal is the body of a request that carries a schema.
type proposal struct {
	Schema     *string           `json:"schema"`
	SchemaType string            `json:"schemaType"`
	References []json.RawMessage `json:"references"`
	ID         *int32            `json:"id"`
	Version    *int              `json:"version"`

	parsed     *compatibility.Schema
	normalized bool // compare by Normal
}

// readProposal reads and parses a schema. What this registry does not do is refused, not dropped.
func readProposal(req *http.Request) (*proposal, error) {
	p := &proposal{normalized: flag(req, "normalize")}
	if err := readBody(req, p); err != nil {
		return nil, err
	}
	switch {
	case p.SchemaType != "" && p.SchemaType != avroType:
		return nil, refuse(http.StatusUnprocessableEntity, "Invalid schema type %s: this registry holds AVRO schemas only", p.SchemaType)
	case len(p.References) > 0:
		return nil, refuse(http.StatusUnprocessableEntity, "Schema references are not supported by this registry: write the referenced types into the schema itself")
	case p.Schema == nil:
		return nil, refuse(42201, "Empty schema")
	}
	parsed, err := compatibility.Parse(*p.Schema)
	if err != nil {
		return nil, invalidSchema(err)
	}
	p.parsed = parsed
	return p, nil
}

// register makes the schema a version of the subject, unless it is one already. The same schema has the
// same id in every subject.
func (r *Registry) register(req *http.Request) (any, error) {
	subject := req.PathValue("subject")
	p, err := readProposal(req)
	if err != nil {
		return nil, err
	}
	var id int32
	find := func(rs records) error {
		v, err := rs.find(subject, p, false)
		if err == nil && v != nil {
			id = v.ID
		}
		return err
	}
	// Nearly every request is for a schema that is there, and reads do not wait for each other.
	if err := r.view(func(rs records) error {
		if p.ID != nil {
			return rs.allowed(subject, p)
		}
		return find(rs)
	}); err != nil {
		return nil, err
	}
	if id == 0 {
		err = r.update(func(rs records) error {
			if err := find(rs); err != nil || id != 0 {
				return err
			}
			if err := rs.allowed(subject, p); err != nil {
				return err
			}
			if rs.mode(subject) == importing {
				id, err = rs.adopt(subject, p)
				return err
			}
			id, err = rs.append(subject, p)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": id}, nil
}

// append adds p after the subject's last version if its level allows.
func (rs records) append(subject string, p *proposal) (int32, error) {
	all, err := rs.versions(subject)
	if err != nil {
		return 0, err
	}
	level := rs.effectiveLevel(subject)
	c, err := rs.judge(level, p.parsed, live(all), level.Transitive())
	if err != nil {
		return 0, err
	}
	if c != nil {
		return 0, incompatible(subject, c.version, c.text, level, c.found)
	}
	id := rs.idOf(p.parsed)
	if id == 0 {
		if id, err = rs.addSchema(*p.Schema, p.parsed); err != nil {
			return 0, err
		}
	}
	next := 1
	if len(all) > 0 {
		next = all[len(all)-1].number + 1
	}
	return id, rs.putVersion(subject, version{number: next, entry: entry{ID: id}})
}

// find returns the newest version of the subject that is p's schema, softly deleted ones where asked
// for; nil when there is none.
func (rs records) find(subject string, p *proposal, deleted bool) (*version, error) {
	all, err := rs.versions(subject)
	if err != nil {
		return nil, err
	}
	id := rs.idOf(p.parsed)
	for i := len(all) - 1; i >= 0; i-- {
		v := all[i]
		if v.Deleted && !deleted {
			continue
		}
		if v.ID == id {
			return &v, nil
		}
		if !p.normalized {
			continue
		}
		s, _, err := rs.parsed(v.ID)
		if err != nil {
			return nil, err
		}
		if s.Normal() == p.parsed.Normal() {
			return &v, nil
		}
	}
	return nil, nil
}

// lookUp answers with the version of the subject that is the schema.
func (r *Registry) lookUp(req *http.Request) (any, error) {
	subject := req.PathValue("subject")
	p, err := readProposal(req)
	if err != nil {
		return nil, err
	}
	deleted := flag(req, "deleted")
	var body any
	err = r.view(func(rs records) error {
		all, err := rs.versions(subject)
		if err != nil {
			return err
		}
		if len(visible(all, deleted)) == 0 {
			return subjectNotFound(subject)
		}
		v, err := rs.find(subject, p, deleted)
		if err != nil {
			return err
		}
		if v == nil {
			return schemaNotFound()
		}
		body, err = rs.describe(subject, *v)
		return err
	})
	return body, err
}
