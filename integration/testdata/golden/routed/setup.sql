-- Several tables in one topic, and topics with other names.
CREATE TABLE orders_1 (id integer PRIMARY KEY, v text); CREATE TABLE orders_2 (id integer PRIMARY KEY, v text);
CREATE TABLE items_a (id integer PRIMARY KEY, v text); CREATE TABLE items_b (id integer PRIMARY KEY, v text);
CREATE TABLE users (id integer PRIMARY KEY, v text); CREATE TABLE nokey_1 (v text); ALTER TABLE nokey_1 REPLICA IDENTITY FULL;
INSERT INTO orders_1 VALUES (1,'one'); INSERT INTO orders_2 VALUES (1,'also one');
INSERT INTO items_a VALUES (1,'one'); INSERT INTO items_b VALUES (1,'also one');
INSERT INTO users VALUES (1,'one'); INSERT INTO nokey_1 VALUES ('one');
