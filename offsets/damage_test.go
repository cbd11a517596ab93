package offsets

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// someFile makes a file with a tree of several levels, a list of free pages and two connectors.
func someFile(t testing.TB, schemas int) (dir string, content []byte) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	must(t, s.commit("fill", "schema ids", func(tx *bbolt.Tx) error { // in one commit, to sync once
		for i := range schemas {
			key := schemaKey(fmt.Sprintf("shop.public.table_%04d-value", i), [32]byte{byte(i), byte(i >> 8)})
			value, err := sealJSON(key, schemaIDJSON{ID: int32(i)})
			if err := errors.Join(err, tx.Bucket(schemaIDsBucket).Put(key, value)); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, name := range []string{"shop", "other"} {
		if err := s.Put(name, recordAt(4711)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err = os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	return dir, content
}

// O2: a file cut off anywhere is refused with its path and what to do, and left as it is.
func TestATruncatedFileIsRefusedAndLeftAlone(t *testing.T) {
	dir, content := someFile(t, 300)
	path := filepath.Join(dir, FileName)
	m, err := newestMeta(bytes.NewReader(content), int64(len(content)))
	must(t, err)
	used := int(m.pages) * int(m.pageSize)
	sizes := []int{0, 1, 100, used - 1}
	for size := int(m.pageSize); size < used; size += int(m.pageSize) {
		sizes = append(sizes, size)
	}
	for _, size := range sizes {
		must(t, os.WriteFile(path, content[:size], 0o600))
		_, err := Open(dir)
		wantFault(t, err, true, path, "damaged", "truncated", "backup", "rdip offsets set")
		_, err = Dump(dir, Options{})
		wantFault(t, err, true, path, "truncated")
		if left, err := os.ReadFile(path); err != nil || len(left) != size {
			t.Fatalf("%d bytes are left of %d: %v", len(left), size, err)
		}
	}
}

// O2: a file that is something else is refused.
func TestAFileThatIsNoOffsetsFileIsRefused(t *testing.T) {
	dir, _ := someFile(t, 0)
	path := filepath.Join(dir, FileName)
	for _, content := range map[string][]byte{
		"text":  bytes.Repeat([]byte("not a database "), 4096),
		"zeros": make([]byte, 65536),
	} {
		must(t, os.WriteFile(path, content, 0o600))
		_, err := Open(dir)
		wantFault(t, err, true, path, "not a bbolt file")
	}
	must(t, os.Remove(path))
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Close())
	_, err = Open(dir)
	wantFault(t, err, true, path, "not an offsets file", "meta")
}

// O2: whatever bit of the file is flipped, the file is refused or every connector reads as it was stored:
// never another position, never a connector gone, never a crash.
func TestAFlippedBitNeverChangesAPosition(t *testing.T) {
	dir, content := someFile(t, 200)
	path := filepath.Join(dir, FileName)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m, err := newestMeta(bytes.NewReader(content), int64(len(content)))
	must(t, err)
	refused := 0
	for range 400 {
		damagedContent := bytes.Clone(content)
		at := random.IntN(int(m.pages) * int(m.pageSize))
		damagedContent[at] ^= 1 << random.IntN(8)
		must(t, os.WriteFile(path, damagedContent, 0o600))
		c, err := Dump(dir, Options{})
		if err != nil {
			wantFault(t, err, true, path)
			refused++
			continue
		}
		if at < 2*int(m.pageSize) { // a damaged header: the one before it is in force, as after a torn write
			continue
		}
		for _, name := range []string{"shop", "other"} {
			want := recordAt(4711)
			want.Format, want.Updated = Format, c.Connectors[name].Updated
			if !reflect.DeepEqual(c.Connectors[name], want) {
				t.Fatalf("bit flipped in byte %d, %s: %+v", at, name, c.Connectors[name])
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: nothing was proved")
	}
}

// O2: each kind of damage behind the headers is told, before the file is mapped.
func TestEachKindOfDamageIsTold(t *testing.T) {
	_, content := someFile(t, 200)
	m, err := newestMeta(bytes.NewReader(content), int64(len(content)))
	must(t, err)
	page := func(b []byte, id uint64) []byte { return b[int64(id)*m.pageSize:] }
	for name, c := range map[string]struct {
		damage func(b []byte)
		says   string
	}{
		"a page with another's number":     {func(b []byte) { order.PutUint64(page(b, m.root), 99) }, "says that it is page 99"},
		"a page of no kind":                {func(b []byte) { order.PutUint16(page(b, m.root)[8:], 0x80) }, "flags 0x80"},
		"a page that runs beyond the file": {func(b []byte) { order.PutUint32(page(b, m.root)[12:], 1<<30) }, "runs 1073741824 pages on"},
		"more elements than fit":           {func(b []byte) { order.PutUint16(page(b, m.root)[10:], 60000) }, "60000 elements"},
		"a key outside its page":           {func(b []byte) { order.PutUint32(page(b, m.root)[pageHeaderBytes+4:], 1<<31) }, "outside its page"},
		"an element of no kind":            {func(b []byte) { order.PutUint32(page(b, m.root)[pageHeaderBytes:], 8) }, "element flags 0x8"},
		"a bucket cut short":               {func(b []byte) { order.PutUint32(page(b, m.root)[pageHeaderBytes+12:], 3) }, "cut short"},
		"keys out of order": {func(b []byte) {
			first := page(b, m.root)[pageHeaderBytes:]
			first[order.Uint32(first[4:])] = 'z'
		}, "out of order"},
		"a bucket that is the page it is on": {func(b []byte) {
			last := page(b, m.root)[pageHeaderBytes+2*elementBytes:]
			order.PutUint64(last[order.Uint32(last[4:])+order.Uint32(last[8:]):], m.root)
		}, "used twice"},
		"a bucket beyond the file": {func(b []byte) {
			last := page(b, m.root)[pageHeaderBytes+2*elementBytes:]
			order.PutUint64(last[order.Uint32(last[4:])+order.Uint32(last[8:]):], 1<<40)
		}, "is referred to"},
		"a free list that is none":     {func(b []byte) { order.PutUint16(page(b, m.freelist)[8:], leafPage) }, "list of free pages: flags"},
		"a free list that is too long": {func(b []byte) { order.PutUint16(page(b, m.freelist)[10:], 60000) }, "60000 in room for"},
		"a long free list that is too long": {func(b []byte) {
			order.PutUint16(page(b, m.freelist)[10:], countInFirst)
			order.PutUint64(page(b, m.freelist)[pageHeaderBytes:], 1<<40)
		}, "1099511627776 in room for"},
		"a free page in use":          {func(b []byte) { order.PutUint64(page(b, m.freelist)[pageHeaderBytes:], m.root) }, "list of free pages: page"},
		"a free page beyond the file": {func(b []byte) { order.PutUint64(page(b, m.freelist)[pageHeaderBytes:], 1<<40) }, "list of free pages: page"},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(content)
			c.damage(b)
			if err := verifyFile(bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

// After power is lost in the middle of writing a header, the one before it is in force: the commit that was
// not finished had not returned.
func TestATornHeaderLeavesTheCommitBefore(t *testing.T) {
	dir, content := someFile(t, 3)
	path := filepath.Join(dir, FileName)
	newest, err := newestMeta(bytes.NewReader(content), int64(len(content)))
	must(t, err)
	at := int64(newest.transaction%2) * newest.pageSize
	clear(content[at+pageHeaderBytes+40 : at+pageHeaderBytes+metaBytes])
	must(t, os.WriteFile(path, content, 0o600))
	s := open(t, dir)
	if _, found, err := s.Get("shop"); !found || err != nil {
		t.Errorf("the first connector was stored one commit before: %v, %v", found, err)
	}
	if _, found, err := s.Get("other"); found || err != nil {
		t.Errorf("the second was in the torn commit: %v, %v", found, err)
	}
}

// FuzzVerifyFile: no bytes behind the headers, which have a checksum, crash the verification, and a file that
// passes it crashes bbolt neither in reading nor in writing. Each three bytes of a patch are a place and what
// is put there.
func FuzzVerifyFile(f *testing.F) {
	_, whole := someFile(f, 40)
	m, err := newestMeta(bytes.NewReader(whole), int64(len(whole)))
	must(f, err)
	headers := 2 * int(m.pageSize)
	f.Add([]byte{0, 0, 9})
	f.Add([]byte{0, 16, 255, 0, 17, 255})
	f.Fuzz(func(t *testing.T, patch []byte) {
		content := bytes.Clone(whole)
		for p := patch; len(p) >= 3; p = p[3:] {
			at := headers + (int(p[0])<<8 | int(p[1]))
			if at < len(content) {
				content[at] = p[2]
			}
		}
		if verifyFile(bytes.NewReader(content), int64(len(content))) != nil {
			return
		}
		dir := filepath.Join(t.TempDir(), "state")
		must(t, os.Mkdir(dir, directoryMode))
		must(t, os.WriteFile(filepath.Join(dir, FileName), content, fileMode))
		if _, err := Dump(dir, Options{}); err != nil || len(patch)%8 != 0 {
			return
		}
		s, err := Open(dir)
		must(t, err)
		must(t, s.Replace("fuzz", recordAt(1)))
		must(t, s.Close())
	})
}
