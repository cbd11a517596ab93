package types

import (
	"math/bits"
	"strconv"

	"rdip/envelope"
)

// moneyScale is the digits behind the point that cash_out writes under lc_monetary C.
const moneyScale = 2

// parseMoney reads what cash_out writes, as hundredths: the currency's sign, thousands separators and a minus or
// parentheses as lc_monetary has them; sessions pin it to C, where $ , . and - are used.
func parseMoney(wire []byte) (negative bool, hundredths uint64, err error) {
	negative = len(wire) > 0 && (wire[0] == '-' || wire[0] == '(')
	digits, behind, point := 0, 0, false
	for _, c := range wire {
		switch {
		case c >= '0' && c <= '9' && digits < 19:
			hundredths = hundredths*10 + uint64(c-'0')
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
	if behind != moneyScale || hundredths > 1<<63 {
		return false, 0, errMoney
	}
	return negative, hundredths, nil
}

const errMoney = malformed("money as lc_monetary C has it")

// moneyEncoder is a Decimal of that scale, 0 to 18. With less than moneyScale digits it is rounded half away from
// zero, as Debezium's setScale(money.fraction.digits, HALF_UP) does.
func moneyEncoder(scale int) envelope.ColumnEncoder {
	factor, divisor := uint64(1), uint64(1)
	for range scale - moneyScale {
		factor *= 10
	}
	for range moneyScale - scale {
		divisor *= 10
	}
	return func(dst, wire []byte) ([]byte, error) {
		negative, hundredths, err := parseMoney(wire)
		if err != nil {
			return dst, err
		}
		hi, lo := bits.Mul64((hundredths+divisor/2)/divisor, factor)
		if negative {
			var borrow uint64
			lo, borrow = bits.Sub64(0, lo, 0)
			hi, _ = bits.Sub64(0, hi, borrow)
		}
		return appendTwos(dst, hi, lo), nil
	}
}

// encodeMoneyText is the amount with its two digits, without a currency or separators.
func encodeMoneyText(dst, wire []byte) ([]byte, error) {
	var room [24]byte
	text, err := appendMoney(room[:0], wire)
	if err != nil {
		return dst, err
	}
	return envelope.AppendString(dst, text), nil
}

// encodeMoneyDouble is the nearest double.
func encodeMoneyDouble(dst, wire []byte) ([]byte, error) {
	var room [24]byte
	text, err := appendMoney(room[:0], wire)
	if err != nil {
		return dst, err
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return dst, errMoney
	}
	return appendDouble(dst, f), nil
}

func appendMoney(dst, wire []byte) ([]byte, error) {
	negative, hundredths, err := parseMoney(wire)
	if err != nil {
		return dst, err
	}
	if negative {
		dst = append(dst, '-')
	}
	dst = append(strconv.AppendUint(dst, hundredths/100, 10), '.')
	return appendPadded(dst, int64(hundredths%100), moneyScale), nil
}
