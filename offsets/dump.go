package offsets

import (
	"errors"
	"path/filepath"
	"syscall"

	"go.etcd.io/bbolt"
)

// Contents is the whole file, for people.
type Contents struct {
	Path       string
	Format     int
	Connectors map[string]Record
	Tables     map[string]map[string]TableSnapshot // by connector and table
	SchemaIDs  []SchemaID                          // by subject
	Forgotten  map[string]bool                     // connectors of which what the topic of positions has is void
}

// Dump reads the file of a state folder and changes nothing, not even an older format. It fails while a
// daemon has the file open: that one is to be asked itself.
func Dump(dir string, o Options) (*Contents, error) {
	path := filepath.Join(filepath.Clean(dir), FileName)
	db, err := openFile(path, syscall.LOCK_SH, o.lockTimeout())
	if err != nil {
		return nil, err
	}
	c := &Contents{Path: path}
	err = guarded(func() error { return db.View(c.read) })
	return c, errors.Join(err, db.Close())
}

func (c *Contents) read(tx *bbolt.Tx) (err error) {
	if c.Format, err = fileFormat(tx); err != nil {
		return damaged(c.Path, err)
	}
	if err = checkFormat(c.Format); err != nil {
		return formatFault(c.Path, err)
	}
	if c.Connectors, err = readRecords(tx, c.Path); err != nil {
		return err
	}
	if c.Format >= 2 {
		if c.Tables, err = readTables(tx, c.Path); err != nil {
			return err
		}
	}
	c.Forgotten = readForgotten(tx)
	if c.SchemaIDs, err = readSchemaIDs(tx); err != nil {
		return damaged(c.Path, err)
	}
	return nil
}
