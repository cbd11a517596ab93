-- Outbox tables: with the defaults, with columns placed, with JSON made into values, with bytes, with other names.
CREATE TABLE o_plain (id uuid PRIMARY KEY, aggregatetype varchar(255) NOT NULL, aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb);
CREATE TABLE o_placed (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text, type text NOT NULL, payload text NOT NULL, seq smallint, price numeric(8,2), note text, at timestamp, flag boolean NOT NULL DEFAULT false, version integer);
CREATE TABLE o_shaped (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL, type text, payload jsonb);
CREATE TABLE o_kept (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL, type text, payload json);
CREATE TABLE o_bytes (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid bigint NOT NULL, type text, payload bytea);
CREATE TABLE o_named (number bigint PRIMARY KEY, about text NOT NULL, who integer DEFAULT 7, body text DEFAULT 'x');
INSERT INTO o_plain VALUES ('00000000-0000-0000-0000-000000000001','order','o-1','OrderMade','{"total": 5, "note": null}');
INSERT INTO o_placed VALUES ('00000000-0000-0000-0000-000000000001','order','o-1','OrderMade','made',1,1.50,'first','2024-01-01 00:00:01.5',true,1);
INSERT INTO o_shaped VALUES ('00000000-0000-0000-0000-000000000001','order','o-1','OrderMade','{"total": 5, "big": 5000000000, "half": 0.5, "yes": true, "note": null, "lines": [{"n": 1, "sku": "a"}, {"n": 2, "sku": "b"}], "empty": [], "address": {"city": "Ulm", "zip": "89073"}}');
INSERT INTO o_kept VALUES ('00000000-0000-0000-0000-000000000001','order','o-1','OrderMade','{"total": 5, "note": null, "lines": [1, 2], "empty": [], "in": {"x": null}}');
INSERT INTO o_bytes VALUES ('00000000-0000-0000-0000-000000000001','order',7,'OrderMade','\xff00deadbeef');
INSERT INTO o_named VALUES (1,'order-made',11,'hello'),(2,'unmatched',NULL,NULL);
