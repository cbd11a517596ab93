package offsets

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// forgottenBucket has an entry for each connector that was forgotten here while a topic of positions may still know
// it. It is made with the first of them, so that files of every format may lack it.
var forgottenBucket = []byte("forgotten")

// markForgotten notes that what a topic of positions has of the connector is void, whatever the file has of it: it may
// be a new one, and the topic's record another's, such as Debezium's.
func markForgotten(tx *bbolt.Tx, connector string) error {
	bucket, err := tx.CreateBucketIfNotExists(forgottenBucket)
	if err != nil {
		return err
	}
	return bucket.Put([]byte(connector), appendSum([]byte(connector), []byte("forgotten")))
}

// Forgotten says whether the connector was deleted here since it last ran with the topic of positions: what the topic
// has of it is void, and to be overwritten before anything else.
func (s *Store) Forgotten(connector string) (bool, error) {
	forgotten := false
	err := s.view(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(forgottenBucket)
		forgotten = bucket != nil && bucket.Get([]byte(connector)) != nil
		return nil
	})
	if err != nil {
		return false, recordFault(s.path, connector, err)
	}
	return forgotten, nil
}

// readForgotten is every connector that was forgotten.
func readForgotten(tx *bbolt.Tx) map[string]bool {
	all := map[string]bool{}
	bucket := tx.Bucket(forgottenBucket)
	if bucket == nil {
		return all
	}
	c := bucket.Cursor()
	for name, _ := c.First(); name != nil; name, _ = c.Next() {
		all[string(name)] = true
	}
	return all
}

// Remember takes the mark of Forgotten away, once the topic does not have the connector any more.
func (s *Store) Remember(connector string) error {
	return s.commit("store offsets", fmt.Sprintf("connector %q", connector), func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(forgottenBucket)
		if bucket == nil {
			return nil
		}
		return bucket.Delete([]byte(connector))
	})
}
