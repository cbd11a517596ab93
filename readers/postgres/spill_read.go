package postgres

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"rdip/internal/fault"
)

// spillRecord is one record read back. Content is borrowed until the next is read.
type spillRecord struct {
	Kind    byte
	Place   uint64
	Content []byte
}

const spillReadBytes = 128 << 10

// replay hands every change of a transaction to use, in order.
func (s *spill) replay(t *spilled, use func(spillRecord) error) error {
	return s.scan(t, 0, func(r spillRecord) error {
		if r.Kind == spillRun {
			return nil
		}
		return use(r)
	})
}

// scan reads the records from a place on. An error of use comes back as it is.
func (s *spill) scan(t *spilled, from int64, use func(spillRecord) error) error {
	src := bufio.NewReaderSize(t.reader(from), spillReadBytes)
	var head [spillHeader]byte
	var content []byte
	for {
		if _, err := io.ReadFull(src, head[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return s.unreadable(t, err)
		}
		n := int(binary.BigEndian.Uint32(head[:]))
		if cap(content) < n {
			content = make([]byte, max(n, 4<<10))
		}
		if _, err := io.ReadFull(src, content[:n]); err != nil {
			return s.unreadable(t, err)
		}
		if err := use(spillRecord{Kind: head[4], Place: binary.BigEndian.Uint64(head[5:]), Content: content[:n:n]}); err != nil {
			return err
		}
	}
}

// reader reads the file and what is in memory behind it as one.
func (t *spilled) reader(from int64) io.Reader {
	if from >= t.size {
		return bytes.NewReader(t.buf[from-t.size:])
	}
	return io.MultiReader(io.NewSectionReader(t.file, from, t.size-from), bytes.NewReader(t.buf))
}

// unreadable is a transient error: the server sends the transaction again.
func (s *spill) unreadable(t *spilled, err error) error {
	return &fault.Error{Op: "read back", Object: fmt.Sprintf("transaction %d from %s", t.xid, s.dir), Cause: err, Hint: "mend the disk; the server sends the transaction again"}
}

// cut drops a subtransaction that was rolled back (P34). While it ran, the transaction did nothing but its work
// and that of subtransactions below it, whose xids are higher: a parent is given its xid before its child
// (AssignTransactionId in xact.c). So its changes, and nobody else's, are the runs at the end whose xid is
// its own or higher.
//
// What describes relations stays: the server takes it as known from then on, for this transaction and, once
// it is committed, for the session (maybe_send_schema in pgoutput.c).
func (s *spill) cut(t *spilled, sub uint32) error {
	from, run, owner := t.end(), t.run, t.sub
	for run >= 0 && owner != t.xid && int32(owner-sub) >= 0 {
		from = run
		var err error
		if owner, run, err = s.before(t, run); err != nil {
			return err
		}
	}
	if from == t.end() {
		return nil
	}
	relations := map[string]spillRecord{}
	err := s.scan(t, from, func(r spillRecord) error {
		if r.Kind == spillChange && len(r.Content) > 5 && r.Content[0] == msgRelation {
			relations[string(r.Content[1:5])] = spillRecord{Place: r.Place, Content: bytes.Clone(r.Content)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.truncate(t, from); err != nil {
		return err
	}
	t.run, t.sub = run, owner
	if run < 0 {
		owner = t.xid
	}
	for _, r := range relations {
		if err := s.keep(t, owner, r.Place, spillChange, r.Content); err != nil {
			return err
		}
	}
	return nil
}

// before is the xid and the place of the run before the one at that place; -1 for none.
func (s *spill) before(t *spilled, run int64) (sub uint32, at int64, err error) {
	var record [spillHeader + 12]byte
	if _, err := io.ReadFull(t.reader(run), record[:]); err != nil {
		return 0, 0, s.unreadable(t, err)
	}
	at = int64(binary.BigEndian.Uint64(record[spillHeader+4:]))
	if at < 0 {
		return 0, at, nil
	}
	if _, err := io.ReadFull(t.reader(at), record[:]); err != nil {
		return 0, 0, s.unreadable(t, err)
	}
	return binary.BigEndian.Uint32(record[spillHeader:]), at, nil
}

// truncate drops everything from a place on.
func (s *spill) truncate(t *spilled, from int64) error {
	if from >= t.size {
		s.inside -= t.end() - from
		t.buf = t.buf[:from-t.size]
		return nil
	}
	s.inside -= int64(len(t.buf))
	s.onDisk -= t.size - from
	t.buf = nil
	t.size = from
	if err := t.file.Truncate(from); err != nil {
		return s.unreadable(t, err)
	}
	return nil
}
