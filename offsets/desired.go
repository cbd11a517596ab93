package offsets

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"rdip/internal/fault"
)

// Desired is what a person wants of a connector, whether a process runs it or not. It outlives restarts.
type Desired string

// What can be wanted. Running is what nobody has to say.
const (
	DesiredRunning Desired = "running"
	DesiredPaused  Desired = "paused"
	DesiredStopped Desired = "stopped"
)

// desiredBucket has an entry for each connector that is not to run. It is made with the first of them, so
// that files of every format may lack it.
var desiredBucket = []byte("desired")

// Desired is what is wanted of a connector: DesiredRunning unless something else was stored.
func (s *Store) Desired(connector string) (Desired, error) {
	wanted := DesiredRunning
	err := s.view(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(desiredBucket)
		if bucket == nil {
			return nil
		}
		value := bucket.Get([]byte(connector))
		if value == nil {
			return nil
		}
		body, err := unsealed([]byte(connector), value)
		if err != nil {
			return err
		}
		wanted = Desired(body)
		if wanted != DesiredPaused && wanted != DesiredStopped {
			return fmt.Errorf("%w: it is to be %q", errNewer, wanted)
		}
		return nil
	})
	if err != nil {
		return "", recordFault(s.path, connector, err)
	}
	return wanted, nil
}

// SetDesired stores what is wanted of a connector.
func (s *Store) SetDesired(connector string, wanted Desired) error {
	object := fmt.Sprintf("connector %q", connector)
	if connector == "" {
		return &fault.Error{Op: "store the state of", Object: object, Cause: errors.New("a connector has a name"), Permanent: true}
	}
	return s.commit("store the state of", object, func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(desiredBucket)
		if err != nil {
			return err
		}
		if wanted == DesiredRunning {
			return bucket.Delete([]byte(connector))
		}
		return bucket.Put([]byte(connector), appendSum([]byte(connector), []byte(wanted)))
	})
}
