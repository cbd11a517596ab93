INSERT INTO x_geo SELECT id+100,g,p,gg,pg,p_nn,many FROM x_geo WHERE id<100 ORDER BY id;
INSERT INTO x_vec SELECT id+100,v,any_v,h,s,v_nn FROM x_vec WHERE id<100 ORDER BY id;
UPDATE x_geo SET g='POINT(9 9)' WHERE id=1;
DELETE FROM x_geo WHERE id=2;
UPDATE x_vec SET v='[3,2,1]' WHERE id=1;
DELETE FROM x_vec WHERE id=2;
