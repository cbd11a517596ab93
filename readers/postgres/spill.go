package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"rdip/internal/fault"
)

// spill keeps the changes of transactions that have not ended yet: in memory together up to a bound, and
// beyond it in a file a transaction, up to a quota (G8, P33). Nothing of it outlives the session: the server
// sends what is in progress again, from its beginning. It is used by one goroutine.
type spill struct {
	dir    string
	memory int64 // bytes of changes in memory
	quota  int64 // bytes of changes in files
	inside int64
	onDisk int64
	made   bool // dir is there
	kept   map[uint32]*spilled
	spare  []byte // memory of the transaction that was moved to its file last, for the next that grows as large
}

// spilled is one transaction's changes: records in a file, and behind them in buf.
//
// A record is its length (4 bytes), kind (1), place in the log (8) and content. Changes of one subtransaction
// in a row are a run, which begins with a record of its xid and of the place of the run before it, so that
// memory does not grow with the number of subtransactions.
type spilled struct {
	xid  uint32
	file *os.File
	size int64 // bytes in file
	buf  []byte
	run  int64 // where the last run begins, -1 for none
	sub  uint32

	first    uint64 // where its first change stands in the log
	prepared uint64 // LSN of its PREPARE, 0 where it is still in progress
}

// Kinds of records.
const (
	spillRun    = 'r'
	spillChange = 'c' // a message of pgoutput, without the xid that streaming adds
	spillLarge  = 'l' // the beginning of a message above max.row.bytes
)

const spillHeader = 4 + 1 + 8

func newSpill(cfg *Config) *spill {
	return &spill{dir: cfg.SpillDir, memory: cfg.SpillMemory, quota: cfg.SpillMax, kept: map[uint32]*spilled{}}
}

// open begins a transaction; one of that xid that was kept before is dropped.
func (s *spill) open(xid uint32) *spilled {
	if old := s.kept[xid]; old != nil {
		s.drop(old)
	}
	t := &spilled{xid: xid, run: -1}
	s.kept[xid] = t
	return t
}

// drop forgets a transaction.
func (s *spill) drop(t *spilled) {
	delete(s.kept, t.xid)
	s.inside -= int64(len(t.buf))
	s.onDisk -= t.size
	if t.file != nil {
		_ = t.file.Close()
		_ = os.Remove(t.file.Name())
	}
	*t = spilled{xid: t.xid, run: -1}
}

// close forgets all.
func (s *spill) close() {
	for _, t := range s.kept {
		s.drop(t)
	}
}

// keep adds one record of a subtransaction, or of the transaction itself; its content is parts, one behind
// the other, copied. A record that would take much of the memory goes to the file at once.
func (s *spill) keep(t *spilled, sub uint32, place uint64, kind byte, parts ...[]byte) error {
	if t.run < 0 || t.sub != sub {
		link := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, sub), uint64(t.run))
		t.run, t.sub = t.end(), sub
		s.hold(t, 0, spillRun, link)
	}
	if int64(lengthOf(parts)) > max(s.memory/2, 64<<10) {
		return s.through(t, place, kind, parts)
	}
	s.hold(t, place, kind, parts...)
	for s.inside > s.memory {
		if err := s.flush(s.largest()); err != nil {
			return err
		}
	}
	return nil
}

// hold adds a record to what a transaction has in memory.
func (s *spill) hold(t *spilled, place uint64, kind byte, parts ...[]byte) {
	before, n := len(t.buf), lengthOf(parts)
	s.grow(t, before+spillHeader+n)
	t.buf = appendHead(t.buf, place, kind, n)
	for _, p := range parts {
		t.buf = append(t.buf, p...)
	}
	s.inside += int64(len(t.buf) - before)
}

// grow makes room for so many bytes. A transaction takes the spare memory only where it fills half of it: many that have
// little would each hold on to much otherwise.
func (s *spill) grow(t *spilled, n int) {
	if n <= cap(t.buf) || n > cap(s.spare) || n < cap(s.spare)/2 {
		return
	}
	t.buf, s.spare = append(s.spare, t.buf...), nil
}

// through writes a record to the file, behind what the transaction has in memory, without a copy of it.
func (s *spill) through(t *spilled, place uint64, kind byte, parts [][]byte) error {
	if err := s.flush(t); err != nil {
		return err
	}
	if err := s.write(t, appendHead(nil, place, kind, lengthOf(parts))); err != nil {
		return err
	}
	for _, part := range parts {
		if err := s.write(t, part); err != nil {
			return err
		}
	}
	return nil
}

func lengthOf(parts [][]byte) int {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// appendHead begins a record whose content has n bytes.
func appendHead(dst []byte, place uint64, kind byte, n int) []byte {
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(n)), kind)
	return binary.BigEndian.AppendUint64(dst, place)
}

// end is the place behind the last record.
func (t *spilled) end() int64 { return t.size + int64(len(t.buf)) }

// largest is the transaction with the most in memory.
func (s *spill) largest() *spilled {
	var most *spilled
	for _, t := range s.kept {
		if most == nil || len(t.buf) > len(most.buf) {
			most = t
		}
	}
	return most
}

// flush moves what a transaction has in memory to its file.
func (s *spill) flush(t *spilled) error {
	if err := s.write(t, t.buf); err != nil {
		return err
	}
	s.inside -= int64(len(t.buf))
	s.spare, t.buf = t.buf[:0], nil
	return nil
}

// write adds bytes to a transaction's file.
func (s *spill) write(t *spilled, b []byte) error {
	n := int64(len(b))
	if s.onDisk+n > s.quota {
		return s.failed(t, fmt.Errorf("%d bytes more do not fit: the files have %d already, and spill.max.bytes is %d", n, s.onDisk, s.quota),
			fmt.Sprintf("spill.max.bytes: %d, or streaming: off, which leaves such transactions to the server's disk; until then it is tried again", 2*s.quota))
	}
	if t.file == nil {
		var err error
		if t.file, err = s.create(t.xid); err != nil {
			return s.failed(t, err, "make the folder writable, or streaming: off, which leaves large transactions to the server's disk")
		}
	}
	if _, err := t.file.WriteAt(b, t.size); err != nil {
		return s.unwritten(t, err)
	}
	t.size += n
	s.onDisk += n
	return nil
}

// unwritten is a write to a transaction's file that failed.
func (s *spill) unwritten(t *spilled, err error) error {
	hint := "mend the disk, or streaming: off, which leaves large transactions to the server's disk"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		hint = "free space there, or set spill.max.bytes to what there is, or streaming: off, which leaves large transactions to the server's disk; until then it is tried again"
	}
	return s.failed(t, err, hint)
}

// failed is a transient error: the transaction may be rolled back, or room be made, meanwhile. Nothing was
// delivered of it, and the server keeps its log.
func (s *spill) failed(t *spilled, err error, hint string) error {
	return &fault.Error{Op: "spill", Object: fmt.Sprintf("transaction %d, of %d bytes so far, to %s", t.xid, t.end(), s.dir), Cause: err, Hint: hint}
}

// create makes a transaction's file, and the folder for the first.
func (s *spill) create(xid uint32) (*os.File, error) {
	if !s.made {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return nil, err
		}
		s.made = true
	}
	return os.OpenFile(filepath.Join(s.dir, fmt.Sprintf("%d.spill", xid)), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}

// clearSpill removes what a process that was killed left in the folder, which needs not be there. A session
// begins with it whether it streams or not.
func clearSpill(dir string) error {
	if dir == "" {
		return nil
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.spill"))
	for _, name := range old {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		return &fault.Error{Op: "remove old files of", Object: dir, Cause: err, Hint: "make the folder writable"}
	}
	return nil
}
