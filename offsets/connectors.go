package offsets

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"rdip/internal/fault"
)

// Get reads a connector's record; false if there is none.
func (s *Store) Get(connector string) (Record, bool, error) {
	var r Record
	var found bool
	err := s.view(func(tx *bbolt.Tx) (err error) {
		value := tx.Bucket(connectorsBucket).Get([]byte(connector))
		if value == nil {
			return nil
		}
		found = true
		r, err = decodeRecord(connector, value)
		return err
	})
	if err != nil {
		return Record{}, false, recordFault(s.path, connector, err)
	}
	return r, found, nil
}

// Put stores a connector's record, and refuses one whose Place, or a stopped table's, is behind the stored
// one (G4). It sets Format and Updated.
func (s *Store) Put(connector string, r Record) error {
	return s.PutTables(connector, r, nil)
}

// guardBack refuses a record that is behind the stored one.
func guardBack(path, connector string, r Record) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		value := tx.Bucket(connectorsBucket).Get([]byte(connector))
		if value == nil {
			return nil
		}
		stored, err := decodeRecord(connector, value)
		if err != nil {
			return recordFault(path, connector, err)
		}
		return refuseBack(connector, stored, r)
	}
}

// Replace stores a connector's record whatever was there: for a position that a person set.
func (s *Store) Replace(connector string, r Record) error { return s.ReplaceTables(connector, r, nil) }

// ReplaceTables is Replace together with tables, as PutTables stores them.
func (s *Store) ReplaceTables(connector string, r Record, changed map[string]*TableSnapshot) error {
	return s.put(connector, r, changed, func(*bbolt.Tx) error { return nil })
}

func (s *Store) put(connector string, r Record, changed map[string]*TableSnapshot, guard func(*bbolt.Tx) error) error {
	object := fmt.Sprintf("connector %q", connector)
	r.Format, r.Updated = Format, time.Now()
	if connector == "" || strings.ContainsRune(connector, 0) {
		return &fault.Error{Op: "store offsets", Object: object, Cause: errors.New("a connector has a name"), Permanent: true}
	}
	value, err := encodeRecord(connector, r)
	if err != nil {
		return &fault.Error{Op: "store offsets", Object: object, Cause: err, Permanent: true}
	}
	return s.commit("store offsets", object, func(tx *bbolt.Tx) error {
		if err := guard(tx); err != nil {
			return err
		}
		if err := putTables(tx, connector, changed); err != nil {
			return err
		}
		return tx.Bucket(connectorsBucket).Put([]byte(connector), value)
	})
}

func refuseBack(connector string, stored, next Record) error {
	if next.Place < stored.Place {
		return backwards(fmt.Sprintf("connector %q", connector), stored.Place, next.Place)
	}
	for table, was := range stored.Stopped {
		if is, ok := next.Stopped[table]; ok && is.Position != "" && is.Place < was.Place { // without a position it was given up
			return backwards(fmt.Sprintf("connector %q, stopped table %q", connector, table), was.Place, is.Place)
		}
	}
	return nil
}

func backwards(object string, stored, next uint64) error {
	return &fault.Error{Op: "store offsets", Object: object, Permanent: true,
		Cause: fmt.Errorf("place %d is behind the stored place %d", next, stored),
		Hint:  "to go back on purpose, stop the connector, then rdip offsets set CONNECTOR --lsn LSN --config FILE"}
}

// Delete forgets a connector and its tables; one that is not there is no error. A mark is left for the topic of
// positions (Forgotten).
func (s *Store) Delete(connector string) error {
	return s.commit("delete offsets", fmt.Sprintf("connector %q", connector), func(tx *bbolt.Tx) error {
		if err := markForgotten(tx, connector); err != nil {
			return err
		}
		if err := deleteTables(tx, connector); err != nil {
			return err
		}
		return tx.Bucket(connectorsBucket).Delete([]byte(connector))
	})
}

// List reads every connector's record, by name.
func (s *Store) List() (map[string]Record, error) {
	var records map[string]Record
	err := s.view(func(tx *bbolt.Tx) (err error) {
		records, err = readRecords(tx, s.path)
		return err
	})
	return records, err
}

func readRecords(tx *bbolt.Tx, path string) (map[string]Record, error) {
	records := map[string]Record{}
	err := tx.Bucket(connectorsBucket).ForEach(func(name, value []byte) error {
		r, err := decodeRecord(string(name), value)
		if err != nil {
			return recordFault(path, string(name), err)
		}
		records[string(name)] = r
		return nil
	})
	return records, err
}

func recordFault(path, connector string, cause error) error {
	hint := mendFile
	if errors.Is(cause, errNewer) {
		hint = "run the rdip that wrote it, or a newer one"
	}
	return &fault.Error{Op: "read offsets", Object: fmt.Sprintf("%s, connector %q", path, connector), Cause: cause, Hint: hint, Permanent: true}
}
