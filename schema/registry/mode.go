package registry

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"rdip/schema/compatibility"
)

// mode says who may write to a subject, in Confluent's words.
type mode string

const (
	readWrite        mode = "READWRITE"
	readOnly         mode = "READONLY"
	readOnlyOverride mode = "READONLY_OVERRIDE" // of all: subjects may not have another
	importing        mode = "IMPORT"            // ids and versions are the client's, and nothing is judged
)

func parseMode(text string) (mode, error) {
	m := mode(strings.ToUpper(text))
	if !slices.Contains([]mode{readWrite, readOnly, readOnlyOverride, importing}, m) {
		return "", refuse(42204, "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, IMPORT")
	}
	return m, nil
}

func modeBody(m mode) any { return map[string]any{"mode": m} }

// modeKey sets modes apart from levels, whose keys begin with a slash.
func modeKey(subject string) []byte { return []byte("mode/" + subject) }

func (rs records) ownMode(subject string) mode {
	return mode(rs.tx.Bucket(levelsBucket).Get(modeKey(subject)))
}

// mode is the subject's, else the one for all, else READWRITE.
func (rs records) mode(subject string) mode {
	global := rs.ownMode("")
	if own := rs.ownMode(subject); own != "" && global != readOnlyOverride {
		return own
	}
	if global != "" {
		return global
	}
	return readWrite
}

// writable refuses a change where the subject, or all of them, is for reading only.
func (rs records) writable(subject string) error {
	if m := rs.mode(subject); m == readOnly || m == readOnlyOverride {
		return refuse(42205, "Subject %s is in read-only mode", subject)
	}
	return nil
}

func (r *Registry) showMode(req *http.Request) (body any, err error) {
	subject := req.PathValue("subject")
	err = r.view(func(rs records) error {
		if subject != "" && rs.ownMode(subject) == "" && !flag(req, "defaultToGlobal") {
			return noMode(subject)
		}
		body = modeBody(rs.mode(subject))
		return nil
	})
	return body, err
}

// setMode sets the subject's mode, or that of all. IMPORT is for a registry, or a subject, that has nothing yet,
// unless force is asked for.
func (r *Registry) setMode(req *http.Request) (any, error) {
	var body struct {
		Mode string `json:"mode"`
	}
	if err := readBody(req, &body); err != nil {
		return nil, err
	}
	m, err := parseMode(body.Mode)
	if err != nil {
		return nil, err
	}
	subject := req.PathValue("subject")
	err = r.update(func(rs records) error {
		if m == importing && !flag(req, "force") {
			if err := rs.empty(subject); err != nil {
				return err
			}
		}
		return rs.tx.Bucket(levelsBucket).Put(modeKey(subject), []byte(m))
	})
	return modeBody(m), err
}

// empty refuses where the subject, or any, has versions that are not deleted.
func (rs records) empty(subject string) error {
	return rs.everySubject(func(name string, all []version) error {
		if (subject == "" || subject == name) && len(live(all)) > 0 {
			return refuse(42205, "Cannot import since found existing subjects")
		}
		return nil
	})
}

// clearMode makes the mode of all the subject's again, and answers with the one it had.
func (r *Registry) clearMode(req *http.Request) (body any, err error) {
	subject := req.PathValue("subject")
	err = r.update(func(rs records) error {
		was := rs.ownMode(subject)
		if was == "" {
			return subjectNotFound(subject)
		}
		body = modeBody(was)
		return rs.tx.Bucket(levelsBucket).Delete(modeKey(subject))
	})
	return body, err
}

// allowed compares what a registration brings with the subject's mode.
func (rs records) allowed(subject string, p *proposal) error {
	brings := p.ID != nil && *p.ID > 0
	switch m := rs.mode(subject); {
	case m == importing && !brings:
		return refuse(42205, "Subject %s is in import mode", subject)
	case m != importing && (brings || p.Version != nil && *p.Version > 0):
		return refuse(42205, "Subject '%s' is not in import mode: id and version are the registry's to choose", subject)
	}
	return rs.writable(subject)
}

// adopt registers a schema under the id, and the version if one is named, that it had elsewhere.
func (rs records) adopt(subject string, p *proposal) (int32, error) {
	id := *p.ID
	text, ok, err := rs.schema(id)
	if err != nil {
		return 0, err
	}
	if ok {
		there, err := compatibility.Parse(text)
		if err != nil {
			return 0, err
		}
		if there.Exact() != p.parsed.Exact() {
			return 0, refuse(42207, "Overwrite new schema with id %d is not permitted.", id)
		}
	} else if err := rs.putSchema(id, *p.Schema, p.parsed); err != nil {
		return 0, err
	}
	all, err := rs.versions(subject)
	if err != nil {
		return 0, err
	}
	number := 1
	if len(all) > 0 {
		number = all[len(all)-1].number + 1
	}
	if p.Version != nil && *p.Version > 0 {
		number = *p.Version
	}
	return id, rs.putVersion(subject, version{number: number, entry: entry{ID: id}})
}

// putSchema keeps a schema under an id that nothing has, and never gives that id to another.
func (rs records) putSchema(id int32, text string, s *compatibility.Schema) error {
	b := rs.tx.Bucket(schemasBucket)
	if uint64(id) > b.Sequence() {
		if err := b.SetSequence(uint64(id)); err != nil {
			return err
		}
	}
	value, err := json.Marshal(record{Text: text})
	if err != nil {
		return err
	}
	if err := b.Put(numberKey(int(id)), value); err != nil {
		return err
	}
	exact := s.Exact()
	return rs.tx.Bucket(exactBucket).Put(exact[:], numberKey(int(id)))
}

// isExact says whether the id is the one under which the schema is found.
func (rs records) isExact(exact []byte, id int32) bool {
	value := rs.tx.Bucket(exactBucket).Get(exact)
	return value != nil && int32(binary.BigEndian.Uint32(value)) == id
}
