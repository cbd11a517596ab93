package registry

import "net/http"

// deleteSubject deletes every version softly, or for good what was deleted softly before, and answers
// with their numbers. A soft delete also forgets the subject's compatibility level, as Confluent's does.
func (r *Registry) deleteSubject(req *http.Request) (any, error) {
	subject, permanent := req.PathValue("subject"), flag(req, "permanent")
	numbers := []int{}
	err := r.update(func(rs records) error {
		all, err := rs.versions(subject)
		if err == nil && len(all) > 0 {
			err = rs.writable(subject)
		}
		if err != nil {
			return err
		}
		switch alive := live(all); {
		case len(all) == 0:
			return subjectNotFound(subject)
		case permanent && len(alive) > 0:
			return subjectNotSoftDeleted(subject)
		case !permanent && len(alive) == 0:
			return subjectSoftDeleted(subject)
		case !permanent:
			all = alive
			err = rs.clearLevel(subject)
		}
		for _, v := range all {
			if err == nil {
				numbers = append(numbers, v.number)
				err = rs.delete(subject, v, permanent)
			}
		}
		return err
	})
	return numbers, err
}

// deleteVersion deletes one version softly, or for good what was deleted softly before, and answers
// with its number.
func (r *Registry) deleteVersion(req *http.Request) (any, error) {
	subject, permanent := req.PathValue("subject"), flag(req, "permanent")
	number, err := pathVersion(req)
	if err != nil {
		return nil, err
	}
	err = r.update(func(rs records) error {
		// "latest" is the newest that can be deleted this way.
		v, err := rs.named(subject, number, permanent || number != latest)
		if err == nil {
			err = rs.writable(subject)
		}
		if err != nil {
			return err
		}
		number = v.number
		if permanent && !v.Deleted {
			return versionNotSoftDeleted(subject, number)
		}
		if !permanent && v.Deleted {
			return versionSoftDeleted(subject, number)
		}
		return rs.delete(subject, v, permanent)
	})
	return number, err
}

func (rs records) delete(subject string, v version, permanent bool) error {
	if permanent {
		return rs.removeVersion(subject, v)
	}
	v.Deleted = true
	return rs.putVersion(subject, v)
}
