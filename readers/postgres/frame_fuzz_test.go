package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// dribble gives at most so many bytes a read.
type dribble struct {
	src  io.Reader
	most int
}

func (d dribble) Read(b []byte) (int, error) { return d.src.Read(b[:min(len(b), d.most)]) }

// FuzzFramer: however the bytes arrive, the messages are those of a reader that has all of them at once; one that is
// too large is passed over whole; and a length of a gigabyte in ten bytes makes no buffer of that size (P70, G8).
func FuzzFramer(f *testing.F) {
	const base, most = 512, 2048
	whole := func(n int) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{'d'}, uint32(n+4)), bytes.Repeat([]byte{7}, n)...)
	}
	f.Add(append(append(whole(0), whole(700)...), whole(3)...), uint8(5))
	f.Add(append(whole(most+1), whole(9)...), uint8(255))
	f.Add([]byte{'d', 0x40, 0, 0, 0, 1, 2, 3, 4, 5}, uint8(1))
	f.Add([]byte{'d', 0, 0, 0, 3}, uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		fr := newFramer(dribble{bytes.NewReader(data), int(step) + 1}, base, most)
		for rest := data; ; {
			typ, payload, err := fr.next()
			if len(fr.buf) > most+headerBytes {
				t.Fatalf("a buffer of %d bytes", len(fr.buf))
			}
			var large *oversizeError
			size := int64(-1)
			if len(rest) >= headerBytes {
				size = int64(binary.BigEndian.Uint32(rest[1:])) - 4
			}
			switch {
			case err == nil:
				if size < 0 || size > most || size > int64(len(rest)-headerBytes) || typ != rest[0] || !bytes.Equal(payload, rest[headerBytes:headerBytes+size]) {
					t.Fatalf("message %c of %d bytes, where %q follows", typ, len(payload), rest[:min(len(rest), 20)])
				}
				rest = rest[headerBytes+size:]
				continue
			case errors.As(err, &large):
				if size <= most || large.Bytes != size || !bytes.Equal(large.Head, rest[headerBytes:headerBytes+peekBytes]) {
					t.Fatalf("%v, where the message has %d bytes", err, size)
				}
				fr.discard()
				rest = rest[min(int64(len(rest)), headerBytes+size):]
				continue
			case errors.Is(err, io.EOF):
				if size >= 0 && size <= most && size <= int64(len(rest)-headerBytes) {
					t.Fatalf("a whole message of %d bytes was not handed out", size)
				}
			case len(rest) < headerBytes || size >= 0:
				t.Fatal(err)
			}
			return
		}
	})
}
