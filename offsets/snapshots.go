package offsets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"rdip/internal/fault"
)

// snapshotsBucket has a record a connector and table; format 2 brought it.
var snapshotsBucket = []byte("snapshots")

// Why says for what reason a table is read.
type Why string

// The reasons.
const (
	WhyInitial Why = "initial" // the connector's first snapshot
	WhyAdded   Why = "added"   // it was not captured before, or is another table under the same name
	WhyAsked   Why = "asked"   // a person, a signal or snapshot.mode asked for it
)

// TableSnapshot is how far the reading of one captured table has come. A finished one is kept, so that a table
// that comes later, or under the same name with another OID, is noticed (P18).
type TableSnapshot struct {
	Format int    // what wrote it; the Store sets it
	OID    uint64 // the source's number of the table; 0 where it was not told
	Why    Why
	By     string     // who asked, for people
	Where  string     // of the rows that were asked for, "" for all
	Keys   [][]string // of the rows that were asked for, nil for all
	// Plan is snapshot.TablePlan.Saved, "" while none was made; Chunks and Done count its parts.
	Plan   string
	Chunks int
	Done   Ranges
	Rest   *ChunkRest // of the chunk under way; nil for the whole of it
	// Owed are keys of rows that the log gave only in part and that no chunk will give whole: read by key before
	// the table is finished. They belong to the position that is stored with them.
	Owed     [][]string
	Rows     int64 // delivered
	Asked    time.Time
	Started  time.Time
	Finished time.Time // zero while something is left
	Paused   bool
	Stopped  bool // given up by a person before its end; Finished is set
	// Logged is what had the source log the table's changes, in the source's words, "" where it tells no such thing. Where it
	// is another at a later start, changes in between may be in no log (P58).
	Logged string
	// Whole is set where a topic has a part of this only: what has the same text here has all of it. "" for what is
	// whole everywhere.
	Whole string
}

// Left says whether something is still to be read.
func (t *TableSnapshot) Left() bool { return t.Finished.IsZero() }

type tableSnapshotJSON struct {
	Format   int        `json:"format"`
	OID      uint64     `json:"oid,omitempty"`
	Why      Why        `json:"why"`
	By       string     `json:"by,omitempty"`
	Where    string     `json:"where,omitempty"`
	Keys     [][]string `json:"keys,omitempty"`
	Plan     jsonText   `json:"plan,omitempty"`
	Chunks   int        `json:"chunks"`
	Done     Ranges     `json:"done"`
	Rest     *ChunkRest `json:"rest,omitempty"`
	Owed     [][]string `json:"owed,omitempty"`
	Rows     int64      `json:"rows"`
	Asked    time.Time  `json:"asked,omitzero"`
	Started  time.Time  `json:"started,omitzero"`
	Finished time.Time  `json:"finished,omitzero"`
	Paused   bool       `json:"paused,omitempty"`
	Stopped  bool       `json:"stopped,omitempty"`
	Logged   string     `json:"logged,omitempty"`
	Whole    string     `json:"whole,omitempty"`
}

// snapshotKey is the connector and the table; neither holds a zero byte.
func snapshotKey(connector, table string) []byte { return []byte(connector + "\x00" + table) }

func encodeTableSnapshot(key []byte, t TableSnapshot) ([]byte, error) {
	return sealJSON(key, tableSnapshotJSON{Format: Format, OID: t.OID, Why: t.Why, By: t.By, Where: t.Where, Keys: t.Keys,
		Plan: jsonText(t.Plan), Chunks: t.Chunks, Done: t.Done, Rest: t.Rest, Owed: t.Owed, Rows: t.Rows, Asked: t.Asked.UTC(),
		Started: t.Started.UTC(), Finished: t.Finished.UTC(), Paused: t.Paused, Stopped: t.Stopped, Logged: t.Logged, Whole: t.Whole})
}

func decodeTableSnapshot(key, value []byte) (TableSnapshot, error) {
	body, err := unsealed(key, value)
	if err != nil {
		return TableSnapshot{}, err
	}
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(body, &version); err != nil {
		return TableSnapshot{}, err
	}
	if err := checkFormat(version.Format); err != nil {
		return TableSnapshot{}, err
	}
	var w tableSnapshotJSON
	if err := unmarshalStrict(body, &w); err != nil {
		return TableSnapshot{}, err
	}
	return TableSnapshot{Format: w.Format, OID: w.OID, Why: w.Why, By: w.By, Where: w.Where, Keys: w.Keys, Plan: string(w.Plan),
		Chunks: w.Chunks, Done: w.Done, Rest: w.Rest, Owed: w.Owed, Rows: w.Rows, Asked: w.Asked, Started: w.Started, Finished: w.Finished,
		Paused: w.Paused, Stopped: w.Stopped, Logged: w.Logged, Whole: w.Whole}, nil
}

// Tables reads how far the reading of each of a connector's tables has come.
func (s *Store) Tables(connector string) (map[string]TableSnapshot, error) {
	tables := map[string]TableSnapshot{}
	err := s.view(func(tx *bbolt.Tx) error {
		return eachTable(tx, connector, func(table string, key, value []byte) error {
			t, err := decodeTableSnapshot(key, value)
			if err != nil {
				return tableFault(s.path, connector, table, err)
			}
			tables[table] = t
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return tables, nil
}

// PutTables stores a connector's record as Put does, and with it, all or nothing, those of its tables that
// changed; a nil one is forgotten.
func (s *Store) PutTables(connector string, r Record, changed map[string]*TableSnapshot) error {
	return s.put(connector, r, changed, guardBack(s.path, connector, r))
}

func putTables(tx *bbolt.Tx, connector string, changed map[string]*TableSnapshot) error {
	bucket := tx.Bucket(snapshotsBucket)
	for table, t := range changed {
		key := snapshotKey(connector, table)
		if t == nil {
			if err := bucket.Delete(key); err != nil {
				return err
			}
			continue
		}
		value, err := encodeTableSnapshot(key, *t)
		if err != nil {
			return &fault.Error{Op: "store offsets", Object: fmt.Sprintf("connector %q, table %s", connector, table), Cause: err, Permanent: true}
		}
		if err := bucket.Put(key, value); err != nil {
			return err
		}
	}
	return nil
}

// eachTable visits the tables of one connector, of all where it is "".
func eachTable(tx *bbolt.Tx, connector string, visit func(table string, key, value []byte) error) error {
	var prefix []byte
	if connector != "" {
		prefix = snapshotKey(connector, "")
	}
	c := tx.Bucket(snapshotsBucket).Cursor()
	for key, value := c.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, value = c.Next() {
		_, table, ok := bytes.Cut(key, []byte{0})
		if !ok {
			return fmt.Errorf("snapshot key %q", key)
		}
		if err := visit(string(table), key, value); err != nil {
			return err
		}
	}
	return nil
}

func deleteTables(tx *bbolt.Tx, connector string) error {
	var keys [][]byte
	err := eachTable(tx, connector, func(_ string, key, _ []byte) error {
		keys = append(keys, bytes.Clone(key))
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := tx.Bucket(snapshotsBucket).Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// readTables reads every connector's tables.
func readTables(tx *bbolt.Tx, path string) (map[string]map[string]TableSnapshot, error) {
	all := map[string]map[string]TableSnapshot{}
	err := eachTable(tx, "", func(table string, key, value []byte) error {
		connector := string(key[:bytes.IndexByte(key, 0)])
		t, err := decodeTableSnapshot(key, value)
		if err != nil {
			return tableFault(path, connector, table, err)
		}
		if all[connector] == nil {
			all[connector] = map[string]TableSnapshot{}
		}
		all[connector][table] = t
		return nil
	})
	return all, err
}

func tableFault(path, connector, table string, cause error) error {
	hint := mendFile
	if errors.Is(cause, errNewer) {
		hint = "run the rdip that wrote it, or a newer one"
	}
	return &fault.Error{Op: "read offsets", Object: fmt.Sprintf("%s, connector %q, snapshot of %s", path, connector, table),
		Cause: cause, Hint: hint, Permanent: true}
}

// toFormat2 makes the bucket of the tables' snapshots. What is known of the tables is filled in at the
// connector's next start: they are all finished where its record says so.
func toFormat2(tx *bbolt.Tx) error {
	_, err := tx.CreateBucketIfNotExists(snapshotsBucket)
	return err
}
