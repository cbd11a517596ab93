-- What is written with the lists that include, without updates and truncates, into topics with other names.
CREATE TABLE m_some (id integer PRIMARY KEY, name text NOT NULL, tags text[], secret text);
INSERT INTO m_some VALUES (1,'Anna',ARRAY['a','b'],'s'),(2,'Bo',NULL,NULL);
CREATE TABLE m_all (id bigint PRIMARY KEY, v varchar(9), n numeric(7,3) NOT NULL, at timestamp(3) NOT NULL, fine timestamptz, code char(2) DEFAULT 'de', tags varchar(4)[], b bytea, flags bit(3));
INSERT INTO m_all VALUES (1,'masked',1.5,'2024-02-29 12:34:56.789','2024-02-29 12:34:56+00','at','{x,y}','\x00ff',B'101'),(2,NULL,0,'1970-01-01',NULL,NULL,NULL,NULL,NULL);
