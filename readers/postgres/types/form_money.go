package types

import (
	"context"
	"fmt"

	"rdip/internal/fault"
	"rdip/schema"
)

// moneyUnknownPrecision is what Confluent's AvroData writes where Connect's schema has no precision.
const moneyUnknownPrecision = 64

// moneyForm is by the digits that the database's amounts have, which are asked for at the first column of money.
func (c *Catalog) moneyForm(ctx context.Context) (Form, error) {
	if c.money == nil {
		digits, err := c.moneyDigits(ctx)
		if err != nil {
			return Form{}, err
		}
		if digits < 0 || digits > mostMoneyDigits {
			return Form{}, &fault.Error{Op: "read lc_monetary", Cause: fmt.Errorf("amounts of %d digits behind the point", digits), Permanent: true}
		}
		c.money = &digits
	}
	f := Form{zero: "0", generated: "0"}
	switch c.modes.Decimal {
	case DecimalString:
		f.Type, f.Encode = schema.Plain(schema.String), moneyTextEncoder(*c.money)
	case DecimalDouble:
		f.Type, f.Encode = schema.Plain(schema.Double), moneyDoubleEncoder(*c.money)
	default:
		scale := c.modes.MoneyFractionDigits
		f.Type, f.Encode = decimalType(moneyUnknownPrecision, scale, false), moneyEncoder(scale, *c.money)
		if *c.money > scale {
			f.Loss = Loss{Seen: fmt.Sprintf("amounts have %d digits behind the point here (lc_monetary), and are rounded to %d", *c.money, scale), Fix: fmt.Sprintf("money.fraction.digits: %d", *c.money)}
		}
	}
	return f, nil
}

// moneyInText is what is lost of amounts within a text of the server's, which is as lc_monetary C has it. The form of the
// items was asked for before.
func (c *Catalog) moneyInText(item uint32) Loss {
	if item != moneyOID || *c.money == writtenDigits {
		return Loss{}
	}
	return Loss{Seen: fmt.Sprintf("amounts have %d digits behind the point here (lc_monetary), and in text it stands before the last two", *c.money), Fix: "array.handling.mode: array"}
}
