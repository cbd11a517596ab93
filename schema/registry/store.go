package registry

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"rdip/schema/compatibility"
)

// record is a schema under its id.
type record struct {
	Text string `json:"text"` // as it was registered
}

// entry is a version of a subject.
type entry struct {
	ID      int32 `json:"id"`
	Deleted bool  `json:"deleted,omitempty"` // softly: left out unless asked for
}

// version is an entry with its number.
type version struct {
	number int
	entry
}

// records is the file as one transaction sees it.
type records struct{ tx *bbolt.Tx }

func (r *Registry) view(do func(records) error) error {
	return r.db.View(func(tx *bbolt.Tx) error { return do(records{tx}) })
}

func (r *Registry) update(do func(records) error) error {
	return r.db.Update(func(tx *bbolt.Tx) error { return do(records{tx}) })
}

func numberKey(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// schema returns the text of the schema with the id, and whether there is one.
func (rs records) schema(id int32) (string, bool, error) {
	value := rs.tx.Bucket(schemasBucket).Get(numberKey(int(id)))
	if value == nil {
		return "", false, nil
	}
	var rec record
	if err := json.Unmarshal(value, &rec); err != nil {
		return "", false, fmt.Errorf("schema %d: %w", id, err)
	}
	return rec.Text, true, nil
}

// parsed is the schema with the id, which the file must hold.
func (rs records) parsed(id int32) (*compatibility.Schema, string, error) {
	text, ok, err := rs.schema(id)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", fmt.Errorf("schema %d is used and missing", id)
	}
	s, err := compatibility.Parse(text)
	return s, text, err
}

// idOf returns the id that the schema has in any subject, 0 when it has none.
func (rs records) idOf(s *compatibility.Schema) int32 {
	exact := s.Exact()
	value := rs.tx.Bucket(exactBucket).Get(exact[:])
	if value == nil {
		return 0
	}
	return int32(binary.BigEndian.Uint32(value))
}

// addSchema gives the schema the next id. Ids are never used again, also when their schema is gone:
// the bucket's sequence only grows.
func (rs records) addSchema(text string, s *compatibility.Schema) (int32, error) {
	b := rs.tx.Bucket(schemasBucket)
	next, err := b.NextSequence()
	if err != nil {
		return 0, err
	}
	if next > 1<<31-1 {
		return 0, errors.New("all schema ids are used")
	}
	return int32(next), rs.putSchema(int32(next), text, s)
}

// dropSchema forgets the schema with the id unless a version of some subject still has it.
func (rs records) dropSchema(id int32) error {
	used := false
	err := rs.everySubject(func(_ string, versions []version) error {
		for _, v := range versions {
			used = used || v.ID == id
		}
		return nil
	})
	if err != nil || used {
		return err
	}
	s, _, err := rs.parsed(id)
	if err != nil {
		return err
	}
	exact := s.Exact()
	if rs.isExact(exact[:], id) { // imported, a schema may have a second id
		if err := rs.tx.Bucket(exactBucket).Delete(exact[:]); err != nil {
			return err
		}
	}
	return rs.tx.Bucket(schemasBucket).Delete(numberKey(int(id)))
}

// versions are the subject's, oldest first, softly deleted ones among them.
func (rs records) versions(subject string) ([]version, error) {
	b := rs.tx.Bucket(subjectsBucket).Bucket([]byte(subject))
	if b == nil {
		return nil, nil
	}
	var list []version
	err := b.ForEach(func(k, value []byte) error {
		v := version{number: int(binary.BigEndian.Uint32(k))}
		if err := json.Unmarshal(value, &v.entry); err != nil {
			return fmt.Errorf("subject %q version %d: %w", subject, v.number, err)
		}
		list = append(list, v)
		return nil
	})
	return list, err
}

func (rs records) putVersion(subject string, v version) error {
	b, err := rs.tx.Bucket(subjectsBucket).CreateBucketIfNotExists([]byte(subject))
	if err != nil {
		return err
	}
	value, err := json.Marshal(v.entry)
	if err != nil {
		return err
	}
	return b.Put(numberKey(v.number), value)
}

// removeVersion deletes for good, and the subject with its last version.
func (rs records) removeVersion(subject string, v version) error {
	subjects := rs.tx.Bucket(subjectsBucket)
	b := subjects.Bucket([]byte(subject))
	if err := b.Delete(numberKey(v.number)); err != nil {
		return err
	}
	if k, _ := b.Cursor().First(); k == nil {
		if err := subjects.DeleteBucket([]byte(subject)); err != nil {
			return err
		}
	}
	return rs.dropSchema(v.ID)
}

// everySubject calls do for each subject in the order of names.
func (rs records) everySubject(do func(subject string, versions []version) error) error {
	return rs.tx.Bucket(subjectsBucket).ForEachBucket(func(name []byte) error {
		list, err := rs.versions(string(name))
		if err != nil {
			return err
		}
		return do(string(name), list)
	})
}

// level is what is set for the subject, or for all when subject is empty; "" when nothing is.
func (rs records) level(subject string) compatibility.Level {
	return compatibility.Level(rs.tx.Bucket(levelsBucket).Get(levelKey(subject)))
}

func (rs records) setLevel(subject string, l compatibility.Level) error {
	return rs.tx.Bucket(levelsBucket).Put(levelKey(subject), []byte(l))
}

func (rs records) clearLevel(subject string) error {
	return rs.tx.Bucket(levelsBucket).Delete(levelKey(subject))
}

// levelKey sets subjects apart from the global level, as bbolt has no empty key.
func levelKey(subject string) []byte { return []byte("/" + subject) }

// effectiveLevel is the subject's level, else the global one, else BACKWARD.
func (rs records) effectiveLevel(subject string) compatibility.Level {
	for _, l := range []compatibility.Level{rs.level(subject), rs.level("")} {
		if l != "" {
			return l
		}
	}
	return compatibility.Backward
}
