INSERT INTO n_whole VALUES (6,'streamed',6,NULL);
INSERT INTO signals VALUES ('whole','execute-snapshot','{"type": "incremental", "data-collections": ["public.n_whole"]}');
SELECT pg_sleep(4);
INSERT INTO n_whole VALUES (7,'after',7,NULL);
INSERT INTO signals VALUES ('part','execute-snapshot','{"type": "incremental", "data-collections": ["public.n_part"], "additional-conditions": [{"data-collection": "public.n_part", "filter": "b = ''x''"}]}');
SELECT pg_sleep(4);
UPDATE n_part SET v='after' WHERE b='y';
