package offsets

import (
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// The file's buckets and the key of its format.
var (
	metaBucket       = []byte("meta")
	connectorsBucket = []byte("connectors")
	schemaIDsBucket  = []byte("schema_ids")
	formatKey        = []byte("format")
)

// errNewer is a file or record written by a newer rdip (D10).
var errNewer = errors.New("written by a newer rdip")

// step brings a file from one format to the next, inside the transaction that also raises the format.
type step func(*bbolt.Tx) error

// steps[i] leads from format i+1 to i+2.
var steps = []step{toFormat2, toFormat3}

// bucketsOf are the buckets that a file of a format has.
func bucketsOf(format int) [][]byte {
	buckets := [][]byte{metaBucket, connectorsBucket, schemaIDsBucket}
	if format >= 2 {
		buckets = append(buckets, snapshotsBucket)
	}
	return buckets
}

func checkFormat(format int) error {
	switch {
	case format > Format:
		return fmt.Errorf("%w: format %d, and this one knows up to %d", errNewer, format, Format)
	case format < 1:
		return fmt.Errorf("format %d, and the first is 1", format)
	default:
		return nil
	}
}

// initialise writes the buckets and the format into an empty file.
func initialise(tx *bbolt.Tx) error {
	for _, name := range bucketsOf(Format) {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return putFormat(tx, Format)
}

func putFormat(tx *bbolt.Tx, format int) error {
	return tx.Bucket(metaBucket).Put(formatKey, []byte(strconv.Itoa(format)))
}

// fileFormat reads the format of a file, and refuses a file without one or without a bucket.
func fileFormat(tx *bbolt.Tx) (int, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return 0, fmt.Errorf("not an offsets file: it has no bucket %q", metaBucket)
	}
	text := string(meta.Get(formatKey))
	format, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("not an offsets file: its format is %q", text)
	}
	for _, name := range bucketsOf(format) {
		if tx.Bucket(name) == nil {
			return 0, fmt.Errorf("not an offsets file: it has no bucket %q", name)
		}
	}
	return format, nil
}

// upgrade brings the file to the format behind the last step: all of it, or nothing.
func upgrade(tx *bbolt.Tx, from int, steps []step) error {
	for i := from - 1; i < len(steps); i++ {
		if err := steps[i](tx); err != nil {
			return fmt.Errorf("from format %d to %d: %w", i+1, i+2, err)
		}
	}
	return putFormat(tx, len(steps)+1)
}

// toFormat3 changes nothing: a record may now say that it is a copy of the topic of positions, which an rdip that does
// not know that may not run from.
func toFormat3(*bbolt.Tx) error { return nil }
