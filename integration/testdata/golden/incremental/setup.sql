-- Rows that were there before, read on a signal: two tables, one of them in part.
CREATE TABLE signals (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));
CREATE TABLE n_whole (id integer PRIMARY KEY, v text DEFAULT 'new', n numeric(8,2) NOT NULL, at timestamptz);
INSERT INTO n_whole VALUES (1,'one',1.5,'2024-02-29 12:34:56.789+00'),(2,NULL,2,NULL),(3,'three',3,NULL),(4,'four',4,NULL),(5,'five',5,NULL);
CREATE TABLE n_part (a integer, b varchar(5), v text, PRIMARY KEY (b, a));
INSERT INTO n_part VALUES (1,'x','one'),(2,'x','two'),(1,'y','three');
