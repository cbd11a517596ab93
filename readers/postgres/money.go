package postgres

import "context"

// moneyDigits is how many digits behind the point amounts of money have in the database: as many as its lc_monetary says,
// which our sessions pin to another (cash_numeric in cash.c). What is stored does not say it: 1234 is 12.34 dollars, and
// 1,234 yen.
func (c *Config) moneyDigits(ctx context.Context) (int, error) {
	conn, err := c.connectWithout(ctx, "lc_monetary")
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var digits int
	if err := conn.QueryRow(ctx, "SELECT pg_catalog.scale(0::pg_catalog.money::pg_catalog.numeric)").Scan(&digits); err != nil {
		return 0, serverFault("read lc_monetary of", c.object(), err)
	}
	return digits, nil
}
