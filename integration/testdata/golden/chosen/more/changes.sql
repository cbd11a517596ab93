INSERT INTO m_some VALUES (3,'Caroline','{}','never seen');
UPDATE m_some SET name='C' WHERE id=3;
UPDATE m_some SET id=4 WHERE id=3;
DELETE FROM m_some WHERE id=4;
TRUNCATE m_some;
BEGIN; INSERT INTO m_all VALUES (3,'x',2,'2024-01-01',NULL,'x','{z}','\x01',B'000'); UPDATE m_all SET n=3 WHERE id=3; DELETE FROM m_all WHERE id=3; SELECT pg_logical_emit_message(true,'kept in',decode('00ff10','hex')); COMMIT;
SELECT pg_logical_emit_message(false,'kept out','text');
SELECT pg_logical_emit_message(false,'other','left out');
BEGIN; UPDATE m_all SET n=4 WHERE id=1; COMMIT;
