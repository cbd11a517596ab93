package shop

// Tables makes the shop's tables and its first rows, for the snapshot to copy. Replica identity FULL has the
// log carry old rows whole, so that an event can say what changed from what.
const Tables = `
CREATE TABLE customers (
	id    serial PRIMARY KEY,
	name  text NOT NULL,
	email text NOT NULL,
	city  text
);
CREATE TABLE products (
	sku   text PRIMARY KEY,
	name  text NOT NULL,
	price numeric(8,2) NOT NULL,
	stock integer NOT NULL
);
CREATE TABLE orders (
	id          serial PRIMARY KEY,
	customer_id integer NOT NULL REFERENCES customers,
	status      text NOT NULL DEFAULT 'new',
	placed_on   date NOT NULL
);
CREATE TABLE order_items (
	order_id integer REFERENCES orders ON DELETE CASCADE,
	line     smallint,
	sku      text NOT NULL REFERENCES products ON UPDATE CASCADE,
	quantity integer NOT NULL,
	price    numeric(8,2) NOT NULL,
	PRIMARY KEY (order_id, line)
);
ALTER TABLE customers   REPLICA IDENTITY FULL;
ALTER TABLE products    REPLICA IDENTITY FULL;
ALTER TABLE orders      REPLICA IDENTITY FULL;
ALTER TABLE order_items REPLICA IDENTITY FULL;
INSERT INTO customers (name, email, city) VALUES
	('Ann Lee', 'ann@example.com', 'Lisbon'), ('Ben Okafor', 'ben@example.com', 'Lagos'), ('Chloe Roux', 'chloe@example.com', NULL);
INSERT INTO products VALUES
	('tea-1', 'Green tea', 4.50, 120), ('tea-2', 'Black tea', 3.90, 200), ('cup-1', 'Cup, blue', 8.00, 40),
	('pot-1', 'Tea pot', 24.00, 12), ('tin-1', 'Tin', 6.25, 65);
INSERT INTO orders (customer_id, placed_on) VALUES (1, '2026-01-05'), (2, '2026-01-06');
SELECT setval('customers_id_seq', 1000), setval('orders_id_seq', 1000); -- for rows that a visitor adds
INSERT INTO order_items VALUES (1, 1, 'tea-1', 2, 4.50), (1, 2, 'cup-1', 1, 8.00), (2, 1, 'pot-1', 1, 24.00);
`

// evolution is the columns that come to customers while the shop is open, and go again at its end.
var evolution = []string{
	"ALTER TABLE customers ADD COLUMN tier text",
	"ALTER TABLE customers ADD COLUMN newsletter boolean",
	"ALTER TABLE customers DROP COLUMN newsletter",
	"ALTER TABLE customers DROP COLUMN tier",
}
