package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const (
	// maxDepth bounds the nesting of one value; a recursive schema could otherwise exhaust the stack.
	maxDepth = 64
	// freeItems is how many items without a byte of their own (nulls, empty records) a payload may hold.
	freeItems = 1024
)

// Errors that are in the chain of whatever Type.Decode returns.
var (
	ErrShort    = errors.New("the payload ends too early")
	ErrTrailing = errors.New("bytes are left over")
	ErrCorrupt  = errors.New("the payload does not fit its schema")
)

// Decode reads one value, which must be the whole of data: Avro's binary encoding
// (https://avro.apache.org/docs/1.11.1/specification/#binary-encoding). The value borrows data.
func (t *Type) Decode(data []byte) (Value, error) {
	d := decoder{in: data, items: len(data) + freeItems}
	v := d.value(t, 0)
	if d.err == nil && len(d.in) > 0 {
		d.fail(fmt.Errorf("%w: %d of %d", ErrTrailing, len(d.in), len(data)))
	}
	return v, d.err
}

// decoder reads until the first error, and zeros from there on.
type decoder struct {
	in    []byte
	items int // that may still come
	err   error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.in = nil
}

func (d *decoder) value(t *Type, depth int) Value {
	if depth > maxDepth {
		d.fail(fmt.Errorf("%w: nested deeper than %d", ErrCorrupt, maxDepth))
		return Value{Type: nullType}
	}
	v := Value{Type: t}
	switch t.Kind {
	case Union:
		return d.union(t, depth)
	case Boolean:
		v.Int = d.boolean()
	case Int:
		v.Int = d.int()
	case Long:
		v.Int = d.long()
	case Float:
		v.Float = float64(math.Float32frombits(binary.LittleEndian.Uint32(d.take(4, 4))))
	case Double:
		v.Float = math.Float64frombits(binary.LittleEndian.Uint64(d.take(8, 8)))
	case Bytes, String:
		v.Raw = d.take(d.long(), 0)
	case Fixed:
		v.Raw = d.take(int64(t.Size), 0)
	case Enum:
		v.Int = d.index(len(t.Labels), "label of "+t.Avro)
	case Record:
		d.record(&v, depth)
	case Array, Map:
		d.blocks(&v, depth)
	}
	return v
}

func (d *decoder) union(t *Type, depth int) Value {
	branch := d.index(len(t.Either), "branch of a union")
	if d.err != nil {
		return Value{Type: nullType}
	}
	return d.value(t.Either[branch], depth+1)
}

func (d *decoder) record(v *Value, depth int) {
	v.Items = make([]Value, 0, len(v.Type.Fields))
	for i := range v.Type.Fields {
		before := d.err
		v.Items = append(v.Items, d.value(v.Type.Fields[i].Type, depth+1))
		if before == nil && d.err != nil {
			d.err = fmt.Errorf("%s: %w", v.Type.Fields[i].Name, d.err)
		}
	}
}

// blocks reads an array or a map: blocks of items, each behind its count, until an empty one. A negative
// count is followed by the block's size in bytes.
func (d *decoder) blocks(v *Value, depth int) {
	for n := d.long(); n != 0 && d.err == nil; n = d.long() {
		if n < 0 {
			n = -n
			d.long()
		}
		if n < 0 || n > int64(d.items) {
			d.fail(fmt.Errorf("%w: a block of %d items in so short a payload", ErrCorrupt, n))
			return
		}
		d.items -= int(n)
		for ; n > 0 && d.err == nil; n-- {
			if v.Type.Kind == Map {
				v.Keys = append(v.Keys, string(d.take(d.long(), 0)))
			}
			v.Items = append(v.Items, d.value(v.Type.Items, depth+1))
		}
	}
}

func (d *decoder) boolean() int64 {
	b := d.take(1, 1)[0]
	if b > 1 {
		d.fail(fmt.Errorf("%w: a boolean of %d", ErrCorrupt, b))
	}
	return int64(b)
}

// int reads a number of 32 bits, in the five bytes that it takes at most.
func (d *decoder) int() int64 {
	before := len(d.in)
	n := d.long()
	if before-len(d.in) > binary.MaxVarintLen32 && d.err == nil {
		d.fail(fmt.Errorf("%w: an int in %d bytes", ErrCorrupt, before-len(d.in)))
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		d.fail(fmt.Errorf("%w: an int of %d", ErrCorrupt, n))
	}
	return n
}

// index reads a number below n.
func (d *decoder) index(n int, of string) int64 {
	i := d.int()
	if i < 0 || i >= int64(n) {
		d.fail(fmt.Errorf("%w: there is no %s with number %d", ErrCorrupt, of, i))
	}
	if d.err != nil {
		return 0
	}
	return i
}

// long reads a zigzag varint.
func (d *decoder) long() int64 {
	i, n := binary.Varint(d.in)
	switch {
	case n == 0:
		d.fail(ErrShort)
	case n < 0:
		d.fail(fmt.Errorf("%w: a number of more than 64 bits", ErrCorrupt))
	default:
		d.in = d.in[n:]
	}
	return i
}

// take borrows n bytes; after an error it gives zeros, as many as the caller cannot do without.
func (d *decoder) take(n int64, least int) []byte {
	switch {
	case n < 0:
		d.fail(fmt.Errorf("%w: a length of %d", ErrCorrupt, n))
	case n > int64(len(d.in)):
		d.fail(ErrShort)
	default:
		out := d.in[:n:n]
		d.in = d.in[n:]
		return out
	}
	return make([]byte, least)
}
