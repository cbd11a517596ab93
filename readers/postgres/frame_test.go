package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// backendMessage is a message as the server writes it.
func backendMessage(typ byte, payload []byte) []byte {
	b := append([]byte{typ}, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)+4))
	return append(b, payload...)
}

func TestMessagesComeOutOfTheBufferAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 3000)), 1, 40).Draw(t, "sizes")
		var wire []byte
		var sent [][]byte
		for i, n := range sizes {
			sent = append(sent, bytes.Repeat([]byte{byte(i)}, n))
			wire = append(wire, backendMessage('d', sent[i])...)
		}
		var src io.Reader = bytes.NewReader(wire)
		switch rapid.IntRange(0, 2).Draw(t, "how the bytes arrive") {
		case 0:
			src = iotest.OneByteReader(src)
		case 1:
			src = iotest.HalfReader(src)
		}
		f := newFramer(src, 300, 3000)
		for i, want := range sent {
			typ, got, err := f.next()
			if err != nil || typ != 'd' || !bytes.Equal(got, want) || cap(got) != len(got) {
				t.Fatalf("message %d of %d bytes: type %q, %d bytes of capacity %d, %v", i, len(want), typ, len(got), cap(got), err)
			}
		}
		if _, _, err := f.next(); err != io.EOF {
			t.Fatalf("behind the last message: %v", err)
		}
	})
}

func TestAMessageAboveTheLimitIsKnownByItsPrefix(t *testing.T) { // P70
	large := slices.Concat([]byte("its beginning"), make([]byte, 1<<20))
	wire := slices.Concat(backendMessage('a', []byte("x")), backendMessage('d', large), backendMessage('b', []byte("y")))
	src := bytes.NewReader(wire)
	f := newFramer(src, 512, 1<<10)
	if typ, _, err := f.next(); typ != 'a' || err != nil {
		t.Fatal(typ, err)
	}
	_, _, err := f.next()
	var e *oversizeError
	if !errors.As(err, &e) || e.Bytes != int64(len(large)) || e.Limit != 1<<10 || e.Type != 'd' || !strings.HasPrefix(string(e.Head), "its beginning") {
		t.Fatalf("got %v", err)
	}
	if read := len(wire) - src.Len(); read > 600 {
		t.Errorf("%d bytes were read to refuse it", read)
	}
	f.discard()
	if typ, got, err := f.next(); typ != 'b' || string(got) != "y" || err != nil {
		t.Errorf("behind it: type %q, %q, %v", typ, got, err)
	}
	if len(f.buf) != 512 {
		t.Errorf("the buffer has grown to %d bytes", len(f.buf))
	}
}

func TestAnImpossibleLengthIsAnError(t *testing.T) {
	for _, length := range []uint32{0, 3} {
		f := newFramer(bytes.NewReader([]byte{'d', 0, 0, 0, byte(length), 0, 0, 0}), 512, 1<<10)
		if _, _, err := f.next(); err == nil || !strings.Contains(err.Error(), "impossible length") {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

func TestABufferThatGrewIsLetGo(t *testing.T) { // G8
	wire := backendMessage('d', make([]byte, 100<<10))
	for range 20 * shrinkAfter {
		wire = append(wire, backendMessage('d', make([]byte, 100))...)
	}
	f := newFramer(pieces{bytes.NewReader(wire)}, 512, 1<<20)
	for {
		_, _, err := f.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(f.buf) > 256<<10 {
			t.Fatalf("the buffer has grown to %d bytes", len(f.buf))
		}
	}
	if len(f.buf) != 512 {
		t.Errorf("the buffer is still %d bytes", len(f.buf))
	}
}

// pieces reads at most 1,000 bytes at once.
type pieces struct{ src io.Reader }

func (p pieces) Read(b []byte) (int, error) { return p.src.Read(b[:min(len(b), 1000)]) }

// hesitant is a source that says errWouldWait before every byte.
type hesitant struct {
	src  io.Reader
	said bool
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.said = !h.said; h.said {
		return 0, errWouldWait
	}
	return h.src.Read(p[:1])
}

func TestASourceThatWouldWaitLosesNothing(t *testing.T) {
	large := make([]byte, 3000)
	f := newFramer(&hesitant{src: bytes.NewReader(slices.Concat(backendMessage('d', large), backendMessage('e', []byte("y"))))}, 512, 1000)
	for {
		typ, got, err := f.next()
		var e *oversizeError
		switch {
		case err == errWouldWait:
		case errors.As(err, &e):
			f.discard()
		case err != nil:
			t.Fatal(err)
		default:
			if typ != 'e' || string(got) != "y" {
				t.Errorf("type %q, %q", typ, got)
			}
			return
		}
	}
}
