package offsets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// A bbolt file is mapped into memory and trusted: a damaged one crashes the process in places that recover
// cannot reach. So it is read once as a plain file before bbolt sees it. The layout is that of
// go.etcd.io/bbolt/internal/common (page.go, meta.go, bucket.go), in the machine's byte order.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeaderBytes = 16 // id u64, flags u16, count u16, overflow u32
	elementBytes    = 16 // of a leaf: flags, pos, ksize, vsize u32; of a branch: pos, ksize u32, id u64
	bucketBytes     = 16 // root u64, sequence u64
	metaBytes       = 64 // the meta behind its page header, checksum included

	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10

	bucketElement = 0x01
	noFreelist    = ^uint64(0)
	countInFirst  = 0xFFFF // a freelist of this many pages and more keeps its length in its first id
	minPageBytes  = 1024
	maxPageBytes  = minPageBytes << 15
)

var order = binary.NativeEndian

// meta is one of the file's two headers; the one with the higher transaction is in force.
type meta struct {
	pageSize    int64
	root        uint64
	freelist    uint64
	pages       uint64 // every page in use is below this
	transaction uint64
}

// verifyFile reads a whole bbolt file of the given size and says what is wrong with it, if anything.
func verifyFile(r io.ReaderAt, size int64) error {
	m, err := newestMeta(r, size)
	if err != nil {
		return err
	}
	if held := uint64(size / m.pageSize); m.pages > held {
		return fmt.Errorf("truncated: it holds %d pages of %d bytes, and its header counts %d", held, m.pageSize, m.pages)
	}
	c := &fileCheck{r: r, meta: m, seen: map[uint64]bool{0: true, 1: true}}
	if err := c.tree(m.root); err != nil {
		return err
	}
	return c.freelist()
}

func newestMeta(r io.ReaderAt, size int64) (meta, error) {
	if size == 0 {
		return meta{}, errors.New("truncated: it is empty")
	}
	first, firstErr := readMeta(r, 0)
	if firstErr == nil {
		second, err := readMeta(r, first.pageSize)
		if err == nil && second.pageSize == first.pageSize && second.transaction > first.transaction {
			return second, nil
		}
		return first, nil
	}
	// The first header is damaged, as after power was lost while it was written: the second is then at
	// one of the possible page sizes.
	for pageSize := int64(minPageBytes); pageSize <= maxPageBytes; pageSize *= 2 {
		if second, err := readMeta(r, pageSize); err == nil && second.pageSize == pageSize {
			return second, nil
		}
	}
	return meta{}, fmt.Errorf("neither of its headers is whole: %w", firstErr)
}

func readMeta(r io.ReaderAt, offset int64) (meta, error) {
	var b [pageHeaderBytes + metaBytes]byte
	if _, err := r.ReadAt(b[:], offset); err != nil {
		return meta{}, fmt.Errorf("truncated: no header at byte %d: %w", offset, err)
	}
	body := b[pageHeaderBytes:]
	sum := fnv.New64a()
	sum.Write(body[:metaBytes-8])
	m := meta{
		pageSize: int64(order.Uint32(body[8:])), root: order.Uint64(body[16:]),
		freelist: order.Uint64(body[32:]), pages: order.Uint64(body[40:]), transaction: order.Uint64(body[48:]),
	}
	switch {
	case order.Uint32(body) != boltMagic:
		return meta{}, fmt.Errorf("not a bbolt file: magic %08x, needed %08x", order.Uint32(body), uint32(boltMagic))
	case order.Uint32(body[4:]) != boltVersion:
		return meta{}, fmt.Errorf("bbolt version %d, needed %d", order.Uint32(body[4:]), boltVersion)
	case sum.Sum64() != order.Uint64(body[metaBytes-8:]):
		return meta{}, fmt.Errorf("header at byte %d: checksum %016x, and the content's is %016x", offset, order.Uint64(body[metaBytes-8:]), sum.Sum64())
	case m.pageSize < minPageBytes || m.pageSize > maxPageBytes || m.pageSize&(m.pageSize-1) != 0:
		return meta{}, fmt.Errorf("page size %d", m.pageSize)
	case order.Uint16(b[8:]) != metaPage:
		return meta{}, fmt.Errorf("header at byte %d has page flags %#x", offset, order.Uint16(b[8:]))
	}
	return m, nil
}

// fileCheck walks every page that can be reached, each once.
type fileCheck struct {
	r    io.ReaderAt
	meta meta
	seen map[uint64]bool
}

// page reads one page with those that it spills over into.
func (c *fileCheck) page(id uint64) ([]byte, error) {
	if id >= c.meta.pages {
		return nil, fmt.Errorf("page %d is referred to, and the file has %d", id, c.meta.pages)
	}
	var header [pageHeaderBytes]byte
	if _, err := c.r.ReadAt(header[:], int64(id)*c.meta.pageSize); err != nil {
		return nil, err
	}
	if got := order.Uint64(header[:]); got != id {
		return nil, fmt.Errorf("page %d says that it is page %d", id, got)
	}
	spill := uint64(order.Uint32(header[12:]))
	if id+spill >= c.meta.pages {
		return nil, fmt.Errorf("page %d runs %d pages on, and the file has %d", id, spill, c.meta.pages)
	}
	for i := id; i <= id+spill; i++ {
		if err := c.claim(i); err != nil {
			return nil, err
		}
	}
	b := make([]byte, int64(spill+1)*c.meta.pageSize)
	_, err := c.r.ReadAt(b, int64(id)*c.meta.pageSize)
	return b, err
}

func (c *fileCheck) claim(id uint64) error {
	if c.seen[id] {
		return fmt.Errorf("page %d is used twice", id)
	}
	c.seen[id] = true
	return nil
}

func (c *fileCheck) tree(id uint64) error {
	b, err := c.page(id)
	if err != nil {
		return err
	}
	switch flags := order.Uint16(b[8:]); flags {
	case branchPage:
		err = c.branch(b)
	case leafPage:
		err = c.leaf(b)
	default:
		err = fmt.Errorf("flags %#x", flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (c *fileCheck) branch(b []byte) error {
	if order.Uint16(b[10:]) == 0 {
		return errors.New("a branch without children")
	}
	return elements(b, func(e, at []byte) ([]byte, error) {
		key, ok := span(at, order.Uint32(e), order.Uint32(e[4:]), 0)
		if !ok {
			return nil, errors.New("a key outside its page")
		}
		return key, c.tree(order.Uint64(e[8:]))
	})
}

func (c *fileCheck) leaf(b []byte) error {
	return elements(b, func(e, at []byte) ([]byte, error) {
		flags, keySize := order.Uint32(e), order.Uint32(e[8:])
		both, ok := span(at, order.Uint32(e[4:]), keySize, order.Uint32(e[12:]))
		if !ok {
			return nil, errors.New("a key or value outside its page")
		}
		key, value := both[:keySize], both[keySize:]
		switch flags {
		case 0:
			return key, nil
		case bucketElement:
			return key, c.bucket(value)
		default:
			return nil, fmt.Errorf("element flags %#x", flags)
		}
	})
}

// bucket is a tree of its own, or a leaf page kept inside the value.
func (c *fileCheck) bucket(value []byte) error {
	if len(value) < bucketBytes {
		return errors.New("a bucket cut short")
	}
	if root := order.Uint64(value); root != 0 {
		return c.tree(root)
	}
	inline := value[bucketBytes:]
	if len(inline) < pageHeaderBytes || order.Uint16(inline[8:]) != leafPage {
		return errors.New("a bucket without its page")
	}
	return c.leaf(inline)
}

func (c *fileCheck) freelist() error {
	if c.meta.freelist == noFreelist {
		return nil
	}
	b, err := c.page(c.meta.freelist)
	if err != nil {
		return fmt.Errorf("list of free pages: %w", err)
	}
	if flags := order.Uint16(b[8:]); flags != freelistPage {
		return fmt.Errorf("list of free pages: flags %#x", flags)
	}
	ids, count := b[pageHeaderBytes:], uint64(order.Uint16(b[10:]))
	if count == countInFirst {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return fmt.Errorf("list of free pages: %d in room for %d", count, len(ids)/8)
	}
	for ; count > 0; count, ids = count-1, ids[8:] {
		id := order.Uint64(ids)
		if id >= c.meta.pages {
			return fmt.Errorf("list of free pages: page %d, and the file has %d", id, c.meta.pages)
		}
		if err := c.claim(id); err != nil {
			return fmt.Errorf("list of free pages: %w", err)
		}
	}
	return nil
}

// elements calls visit for each element of a page, with the element and the bytes from it to the page's
// end, and checks that the keys it returns ascend.
func elements(b []byte, visit func(e, at []byte) (key []byte, err error)) error {
	count := int(order.Uint16(b[10:]))
	if pageHeaderBytes+count*elementBytes > len(b) {
		return fmt.Errorf("%d elements in %d bytes", count, len(b))
	}
	var last []byte
	for i := range count {
		at := b[pageHeaderBytes+i*elementBytes:]
		key, err := visit(at[:elementBytes], at)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return errors.New("keys out of order")
		}
		last = key
	}
	return nil
}

// span is b[pos:pos+n+m], if it is inside b.
func span(b []byte, pos, n, m uint32) ([]byte, bool) {
	end := uint64(pos) + uint64(n) + uint64(m)
	if end > uint64(len(b)) {
		return nil, false
	}
	return b[pos:end], true
}
