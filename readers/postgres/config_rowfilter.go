package postgres

import "rdip/configs"

// defineRowFilters binds the predicates of tables: snapshot and stream have the rows that satisfy them.
func (c *Config) defineRowFilters(d *configs.Definition) {
	d.Group("Rows")
	d.Prefix(&c.RowFilters, "row.filter.", "A SQL predicate on the columns of one table, such as `row.filter.public.orders: amount > 10`: snapshot and stream have only the rows that satisfy it, and a row that begins or ceases to is a create or a delete. PostgreSQL 15 and later; the publication has it as its row filter, so PostgreSQL's rules for these hold: only columns of the replica identity, no functions or types of one's own.")
}
