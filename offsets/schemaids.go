package offsets

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"rdip/internal/fault"
)

// SchemaID is what a schema registry called a schema: kept so that a restart registers nothing (R1).
type SchemaID struct {
	Subject     string
	Fingerprint [32]byte // of the schema's text
	ID          int32
}

type schemaIDJSON struct {
	ID int32 `json:"id"`
}

// schemaKey is the fingerprint, whose length is fixed, and the subject, which may hold anything.
func schemaKey(subject string, fingerprint [32]byte) []byte {
	return []byte(hex.EncodeToString(fingerprint[:]) + " " + subject)
}

func parseSchemaKey(key []byte) (subject string, fingerprint [32]byte, err error) {
	const digits = 2 * len(fingerprint)
	if len(key) <= digits || key[digits] != ' ' {
		return "", fingerprint, fmt.Errorf("schema key %q", key)
	}
	_, err = hex.Decode(fingerprint[:], key[:digits])
	return string(key[digits+1:]), fingerprint, err
}

// SchemaID gives the stored id; false if there is none that can be read. Asking the registry again is then
// always right.
func (s *Store) SchemaID(subject string, fingerprint [32]byte) (int32, bool) {
	var id int32
	var found bool
	err := s.view(func(tx *bbolt.Tx) (err error) {
		key := schemaKey(subject, fingerprint)
		value := tx.Bucket(schemaIDsBucket).Get(key)
		if value == nil {
			return nil
		}
		id, err = decodeSchemaID(key, value)
		found = err == nil
		return err
	})
	return id, found && err == nil
}

// PutSchemaID stores an id; it is on the disk when it returns.
func (s *Store) PutSchemaID(subject string, fingerprint [32]byte, id int32) error {
	object := fmt.Sprintf("subject %q", subject)
	key := schemaKey(subject, fingerprint)
	value, err := sealJSON(key, schemaIDJSON{ID: id})
	if err != nil {
		return &fault.Error{Op: "store schema id", Object: object, Cause: err, Permanent: true}
	}
	return s.commit("store schema id", object, func(tx *bbolt.Tx) error {
		return tx.Bucket(schemaIDsBucket).Put(key, value)
	})
}

func decodeSchemaID(key, value []byte) (int32, error) {
	body, err := unsealed(key, value)
	if err != nil {
		return 0, err
	}
	var w schemaIDJSON
	return w.ID, unmarshalStrict(body, &w)
}

// readSchemaIDs reads all that can be read, by subject.
func readSchemaIDs(tx *bbolt.Tx) ([]SchemaID, error) {
	var ids []SchemaID
	err := tx.Bucket(schemaIDsBucket).ForEach(func(key, value []byte) error {
		subject, fingerprint, err := parseSchemaKey(key)
		if err != nil {
			return err
		}
		id, err := decodeSchemaID(key, value)
		if err != nil {
			return fmt.Errorf("subject %q: %w", subject, err)
		}
		ids = append(ids, SchemaID{Subject: subject, Fingerprint: fingerprint, ID: id})
		return nil
	})
	slices.SortStableFunc(ids, func(a, b SchemaID) int { return cmp.Compare(a.Subject, b.Subject) })
	return ids, err
}
