package postgres

import (
	"encoding/binary"
	"fmt"
	"io"
)

// headerBytes is a backend message's type and length, the length counting itself but not the type:
// https://www.postgresql.org/docs/current/protocol-message-formats.html
const headerBytes = 5

// peekBytes is how much of a message that is too large is read at least, to tell whose row it is.
const peekBytes = 256

// shrinkAfter is how many fills in a row must need no more than the usual buffer before one that grew for a
// large message is let go.
const shrinkAfter = 64

// framer cuts the server's messages out of one large buffer, in place. It is used by one goroutine.
type framer struct {
	src  io.Reader
	buf  []byte
	r, w int   // buf[r:w] is read and not handed out yet
	base int   // bytes of the buffer as long as no message needs more
	max  int   // bytes of the longest message taken, without its header
	peek int   // bytes of a longer one that are read
	calm int   // fills since the larger buffer was needed last
	skip int64 // bytes at r and behind that are to be dropped
}

// newFramer reads messages of at most maxMessage bytes from src through a buffer of bufBytes, which grows
// only for a message that does not fit.
func newFramer(src io.Reader, bufBytes, maxMessage int) *framer {
	bufBytes = max(bufBytes, headerBytes+peekBytes)
	return &framer{src: src, buf: make([]byte, bufBytes), base: bufBytes, max: maxMessage, peek: peekBytes}
}

// next returns one message. The payload is borrowed until the following call, its capacity cut to its
// length. A message above the limit is an *oversizeError, which discard passes over; an error of
// the source comes back as it is, and next may be tried again where the source allows it.
func (f *framer) next() (typ byte, payload []byte, err error) {
	if have := f.w - f.r; have >= headerBytes && f.skip == 0 {
		end := uint64(binary.BigEndian.Uint32(f.buf[f.r+1:])) + 1
		if end >= headerBytes && end <= uint64(have) && end-headerBytes <= uint64(f.max) {
			return f.take(int(end))
		}
	}
	return f.fill()
}

// take hands out the message that begins at r and is n bytes long.
func (f *framer) take(n int) (byte, []byte, error) {
	start, end := f.r+headerBytes, f.r+n
	typ := f.buf[f.r]
	f.r = end
	return typ, f.buf[start:end:end], nil
}

// fill reads until the message at r is complete.
func (f *framer) fill() (byte, []byte, error) {
	if err := f.skipped(); err != nil {
		return 0, nil, err
	}
	f.compact()
	for {
		need, err := f.need()
		if err != nil {
			return 0, nil, err
		}
		if need <= f.w {
			return f.take(need)
		}
		f.grow(need)
		n, err := f.src.Read(f.buf[f.w:])
		f.w += n
		if err != nil && n == 0 {
			return 0, nil, err
		}
	}
}

// need is how many bytes the message at the buffer's beginning has in all, or how many tell that.
func (f *framer) need() (int, error) {
	if f.w < headerBytes {
		return headerBytes, nil
	}
	length := uint64(binary.BigEndian.Uint32(f.buf[1:]))
	if length < 4 {
		return 0, fmt.Errorf("a message of type %q has the impossible length %d", f.buf[0], length)
	}
	if length-4 <= uint64(f.max) {
		return int(length) + 1, nil
	}
	peek := headerBytes + int(min(length-4, uint64(f.peek)))
	if f.w < peek {
		return peek, nil
	}
	return 0, &oversizeError{Type: f.buf[0], Bytes: int64(length) - 4, Limit: int64(f.max), Head: f.buf[headerBytes:peek:peek]}
}

// compact moves what is left to the beginning of the buffer, and lets a grown one go after calm fills.
func (f *framer) compact() {
	left := f.w - f.r
	if len(f.buf) > f.base {
		if f.calm++; f.calm > shrinkAfter && left <= f.base {
			smaller := make([]byte, f.base)
			copy(smaller, f.buf[f.r:f.w])
			f.buf, f.r, f.w = smaller, 0, left
			return
		}
	}
	copy(f.buf, f.buf[f.r:f.w])
	f.r, f.w = 0, left
}

// grow makes room for a message of need bytes.
func (f *framer) grow(need int) {
	if need > f.base {
		f.calm = 0
	}
	if need <= len(f.buf) {
		return
	}
	size := len(f.buf)
	for size < need {
		size *= 2
	}
	larger := make([]byte, min(size, max(f.max+headerBytes, need)))
	copy(larger, f.buf[:f.w])
	f.buf = larger
}

// discard passes over the message that next has just refused as too large, as part of the following calls.
func (f *framer) discard() { f.skip = int64(binary.BigEndian.Uint32(f.buf[1:])) + 1 }

// skipped reads and drops what discard has asked for.
func (f *framer) skipped() error {
	for f.skip > int64(f.w-f.r) {
		f.skip -= int64(f.w - f.r)
		f.r, f.w = 0, 0
		n, err := f.src.Read(f.buf)
		f.w = n
		if err != nil && n == 0 {
			return err
		}
	}
	f.r += int(f.skip)
	f.skip = 0
	return nil
}

// oversizeError is a message longer than the limit (P70). Its length is known by its prefix; only its
// beginning was read.
type oversizeError struct {
	Type  byte
	Bytes int64  // of the message without its header
	Limit int64  // the same, as allowed
	Head  []byte // its first bytes, borrowed from the framer
}

// alone is the error without what is borrowed.
func (e *oversizeError) alone() *oversizeError {
	return &oversizeError{Type: e.Type, Bytes: e.Bytes, Limit: e.Limit}
}

// TooLarge is the size of what was not read.
func (e *oversizeError) TooLarge() int64 { return e.Bytes }

func (e *oversizeError) Error() string {
	return fmt.Sprintf("a message of %d bytes, more than the %d that max.row.bytes allows", e.Bytes, e.Limit)
}
