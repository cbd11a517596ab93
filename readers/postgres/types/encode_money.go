package types

import (
	"math/bits"
	"strconv"

	"rdip/envelope"
)

// writtenDigits are those behind the point that cash_out writes under lc_monetary C.
const writtenDigits = 2

// mostMoneyDigits is the most that a locale's amounts have (cash.c).
const mostMoneyDigits = 10

// parseMoney reads what cash_out writes as the integer that is stored: the currency's sign, thousands separators and a
// minus or parentheses as lc_monetary has them; sessions pin it to C, where $ , . and - are used, and where the last two
// digits stand behind the point whatever they mean.
func parseMoney(wire []byte) (negative bool, stored uint64, err error) {
	negative = len(wire) > 0 && (wire[0] == '-' || wire[0] == '(')
	digits, behind, point := 0, 0, false
	for _, c := range wire {
		switch {
		case c >= '0' && c <= '9' && digits < 19:
			stored = stored*10 + uint64(c-'0')
			digits++
			if point {
				behind++
			}
		case c == '.' && !point:
			point = true
		case c == ',' || c == '$' || c == '-' || c == '(' || c == ')':
		default:
			return false, 0, errMoney
		}
	}
	if behind != writtenDigits || stored > 1<<63 {
		return false, 0, errMoney
	}
	return negative, stored, nil
}

const errMoney = malformed("money as lc_monetary C has it")

// moneyEncoder is a Decimal of that scale, 0 to 18, of amounts of which the last so many digits, 0 to 10, are behind the
// point. With a smaller scale they are rounded half away from zero, as Debezium's setScale(money.fraction.digits,
// HALF_UP) does.
func moneyEncoder(scale, digits int) envelope.ColumnEncoder {
	factor, divisor := powerOfTen(scale-digits), powerOfTen(digits-scale)
	return func(dst, wire []byte) ([]byte, error) {
		negative, stored, err := parseMoney(wire)
		if err != nil {
			return dst, err
		}
		hi, lo := bits.Mul64((stored+divisor/2)/divisor, factor)
		if negative {
			var borrow uint64
			lo, borrow = bits.Sub64(0, lo, 0)
			hi, _ = bits.Sub64(0, hi, borrow)
		}
		return appendTwos(dst, hi, lo), nil
	}
}

// powerOfTen is 1 for a negative exponent, too.
func powerOfTen(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// moneyTextEncoder is the amount with all its digits, without a currency or separators.
func moneyTextEncoder(digits int) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		var room [24]byte
		text, err := appendMoney(room[:0], wire, digits)
		if err != nil {
			return dst, err
		}
		return envelope.AppendString(dst, text), nil
	}
}

// moneyDoubleEncoder is the nearest double.
func moneyDoubleEncoder(digits int) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		var room [24]byte
		text, err := appendMoney(room[:0], wire, digits)
		if err != nil {
			return dst, err
		}
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return dst, errMoney
		}
		return appendDouble(dst, f), nil
	}
}

func appendMoney(dst, wire []byte, digits int) ([]byte, error) {
	negative, stored, err := parseMoney(wire)
	if err != nil {
		return dst, err
	}
	if negative {
		dst = append(dst, '-')
	}
	unit := powerOfTen(digits)
	dst = strconv.AppendUint(dst, stored/unit, 10)
	if digits == 0 {
		return dst, nil
	}
	return appendPadded(append(dst, '.'), int64(stored%unit), digits), nil
}
