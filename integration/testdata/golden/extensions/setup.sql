-- PostGIS and pgvector, on PostgreSQL 17.
CREATE EXTENSION postgis; CREATE EXTENSION vector;
CREATE TABLE x_geo (id integer PRIMARY KEY, g geometry, p geometry(Point,4326), gg geography, pg geography(Point), p_nn geometry(Point) NOT NULL, many geometry[]);
CREATE TABLE x_vec (id integer PRIMARY KEY, v vector(3), any_v vector, h halfvec(3), s sparsevec(5), v_nn vector(2) NOT NULL);
INSERT INTO x_geo VALUES (1,'LINESTRING(0 0,1 1.5,2 -2)','SRID=4326;POINT(8.5 47.3)','POLYGON((0 0,1 0,1 1,0 0))','POINT(8.5 47.3)','POINT(1 2)',NULL),(2,NULL,NULL,NULL,NULL,'POINT EMPTY',NULL),(3,'SRID=3857;POINT Z(1 2 3)','SRID=4326;POINT(0 0)','SRID=4326;MULTIPOINT((1 2),(3 4))',NULL,'POINT(-1.25 0)',NULL);
INSERT INTO x_vec VALUES (1,'[1,2.5,-3]','[0.1,0.2]','[1,2.5,-3]','{1:1.5,5:-2}/5','[0,1]'),(2,NULL,NULL,NULL,NULL,'[0.5,0.25]'),(3,'[0,0,0]','[1e10]','[0.1,0,65504]','{}/5','[1,1]');
