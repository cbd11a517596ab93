-- What of a table is written: columns left out, masked, hashed and cut; other keys; types of the source in the schema; updates that change nothing.
CREATE TABLE c_secret (id integer PRIMARY KEY, pin text, name varchar(20), age integer NOT NULL, code text DEFAULT 'x', mail text, mail2 text NOT NULL DEFAULT 'nobody', mail3 varchar(8), note text, c20 char(20), price numeric(8,2), wait interval);
INSERT INTO c_secret VALUES (1,'1234','Ann',31,'c-1','ann@example.com','ann@example.com','ann','grüße','twenty',9.99,'1 day'),(2,NULL,NULL,0,NULL,NULL,'','','😀😀😀',NULL,NULL,NULL);
CREATE TABLE c_full (id integer PRIMARY KEY, v varchar(5), gone text); ALTER TABLE c_full REPLICA IDENTITY FULL;
INSERT INTO c_full VALUES (1,'one','x'),(2,'two',NULL);
CREATE TABLE c_nokey (a integer NOT NULL, b text, v text); ALTER TABLE c_nokey REPLICA IDENTITY FULL;
INSERT INTO c_nokey VALUES (1,'x','one'),(2,NULL,NULL);
CREATE TABLE c_rekey (id integer PRIMARY KEY, code text NOT NULL, v text); ALTER TABLE c_rekey REPLICA IDENTITY FULL;
INSERT INTO c_rekey VALUES (1,'c-1','one');
CREATE TABLE left_out (id integer PRIMARY KEY);
INSERT INTO left_out VALUES (1);
