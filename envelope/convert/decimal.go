package convert

import (
	"math/big"
	"strconv"
)

// mostLimbs bounds the decimals that are turned into digits on the stack: 256 bytes, 616 digits.
const mostLimbs = 64

// appendDecimal writes a Decimal, big-endian two's complement, as Java's BigDecimal.toString does: plain,
// unless the scale is negative or the number is below 0.000001, then with an exponent.
func appendDecimal(dst, unscaled []byte, scale int) []byte {
	negative := len(unscaled) > 0 && unscaled[0] >= 0x80
	if negative {
		dst = append(dst, '-')
	}
	at := len(dst)
	dst = appendDigits(dst, unscaled, negative)
	if scale == 0 {
		return dst
	}
	digits := len(dst) - at
	exponent := digits - 1 - scale
	if scale < 0 || exponent < -6 {
		return appendScientific(dst, at, exponent)
	}
	for ; digits <= scale; digits++ { // 5 with scale 2 is 0.05
		dst = append(dst, 0)
		copy(dst[at+1:], dst[at:])
		dst[at] = '0'
	}
	dst = append(dst, 0)
	point := len(dst) - 1 - scale
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// appendScientific makes digits that begin at at one before the point, and an exponent.
func appendScientific(dst []byte, at, exponent int) []byte {
	if len(dst)-at > 1 {
		dst = append(dst, 0)
		copy(dst[at+2:], dst[at+1:])
		dst[at+1] = '.'
	}
	if exponent == 0 {
		return dst
	}
	dst = append(dst, 'E')
	if exponent > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(exponent), 10)
}

// appendDigits writes the magnitude of a two's complement number.
func appendDigits(dst, v []byte, negative bool) []byte {
	if len(v) <= 8 {
		var n int64
		if negative {
			n = -1
		}
		for _, b := range v {
			n = n<<8 | int64(b)
		}
		if negative {
			return strconv.AppendUint(dst, -uint64(n), 10)
		}
		return strconv.AppendUint(dst, uint64(n), 10)
	}
	if len(v) > 4*mostLimbs {
		return appendHuge(dst, v, negative)
	}
	var limbs [mostLimbs]uint32 // the least significant first
	used := (len(v) + 3) / 4
	for i, b := range v {
		if negative {
			b = ^b
		}
		from := len(v) - 1 - i
		limbs[from/4] |= uint32(b) << (from % 4 * 8)
	}
	for i := 0; negative && i < used; i++ {
		limbs[i]++
		if limbs[i] != 0 {
			break
		}
	}
	return appendLimbs(dst, limbs[:used])
}

// appendLimbs divides by a billion until nothing is left, and writes the remainders from the last to the first.
func appendLimbs(dst []byte, limbs []uint32) []byte {
	var parts [mostLimbs + mostLimbs/8]uint32
	n := 0
	for len(limbs) > 0 {
		var rest uint64
		for i := len(limbs) - 1; i >= 0; i-- {
			rest = rest<<32 | uint64(limbs[i])
			limbs[i] = uint32(rest / 1e9)
			rest %= 1e9
		}
		parts[n] = uint32(rest)
		n++
		for len(limbs) > 0 && limbs[len(limbs)-1] == 0 {
			limbs = limbs[:len(limbs)-1]
		}
	}
	dst = strconv.AppendUint(dst, uint64(parts[n-1]), 10)
	for i := n - 2; i >= 0; i-- {
		part := parts[i]
		for unit := uint32(1e8); unit > 0; unit /= 10 {
			dst = append(dst, '0'+byte(part/unit%10))
		}
	}
	return dst
}

func appendHuge(dst, v []byte, negative bool) []byte {
	n := new(big.Int).SetBytes(v)
	if negative {
		n.Sub(new(big.Int).Lsh(big.NewInt(1), uint(len(v))*8), n)
	}
	return n.Append(dst, 10)
}
