package types

import (
	"bytes"
	"encoding/binary"
	"math"

	"rdip/envelope"
)

// encodePoint is io.debezium.data.geometry.Point of (x,y): both numbers, the same as little-endian WKB, and
// no srid.
func encodePoint(dst, wire []byte) ([]byte, error) {
	comma := bytes.IndexByte(wire, ',')
	if len(wire) < 5 || wire[0] != '(' || wire[len(wire)-1] != ')' || comma < 0 {
		return dst, malformed("a point")
	}
	x, errX := parseFloat(wire[1:comma], 64)
	y, errY := parseFloat(wire[comma+1:len(wire)-1], 64)
	if errX != nil || errY != nil {
		return dst, malformed("a point")
	}
	dst = appendDouble(appendDouble(dst, x), y)
	dst = append(dst, envelope.UnionValue, 21<<1, 1, 1, 0, 0, 0) // WKB: 21 bytes, little-endian, type 1
	dst = appendDouble(appendDouble(dst, x), y)
	return append(dst, envelope.UnionNull), nil
}

// encodeGeometry is io.debezium.data.geometry.Geometry of PostGIS's hexadecimal EWKB: its bytes, and the srid
// where they have one.
func encodeGeometry(dst, wire []byte) ([]byte, error) {
	if len(wire) < 2*9 || len(wire)%2 != 0 {
		return dst, malformed("hexadecimal EWKB")
	}
	n := len(wire) / 2
	dst, ok := appendHex(binary.AppendVarint(dst, int64(n)), wire)
	if !ok {
		return dst, malformed("hexadecimal EWKB")
	}
	srid, has := sridOf(dst[len(dst)-n:])
	if !has {
		return append(dst, envelope.UnionNull), nil
	}
	return binary.AppendVarint(append(dst, envelope.UnionValue), int64(srid)), nil
}

// sridFlag is in the type of an EWKB that has an srid behind it (PostGIS, doc/ZMSgeoms.txt).
const sridFlag = 0x20000000

// sridOf reads the srid out of at least nine bytes of EWKB.
func sridOf(ewkb []byte) (int32, bool) {
	var order binary.ByteOrder = binary.BigEndian
	if ewkb[0] != 0 {
		order = binary.LittleEndian
	}
	if order.Uint32(ewkb[1:])&sridFlag == 0 {
		return math.MinInt32, false
	}
	return int32(order.Uint32(ewkb[5:])), true
}
