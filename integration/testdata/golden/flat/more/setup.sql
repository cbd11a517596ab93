-- Flattened rows behind and before routers, with the parts of transactions, and envelopes beside them.
CREATE TYPE mood AS ENUM ('sad','ok');
CREATE TABLE g_rows (id integer PRIMARY KEY, m mood NOT NULL DEFAULT 'ok', tags text[], at timestamptz, n numeric, p point);
INSERT INTO g_rows VALUES (1,'sad','{a,NULL}','2024-02-29 12:34:56+00',1.5,'(1,2)');
CREATE TABLE g_lists (id integer PRIMARY KEY, v text); INSERT INTO g_lists VALUES (1,'one');
CREATE TABLE g_part_1 (id integer PRIMARY KEY, v text); CREATE TABLE g_part_2 (id integer PRIMARY KEY, v text);
INSERT INTO g_part_1 VALUES (1,'one'); INSERT INTO g_part_2 VALUES (2,'two');
CREATE TABLE g_route (id integer PRIMARY KEY, kind text, n integer); ALTER TABLE g_route REPLICA IDENTITY FULL;
INSERT INTO g_route VALUES (1,'zflam.kind.a',1);
