package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pglogrepl"

	"rdip/integration/testenv"
)

var capture = flag.Bool("capture", false, "write what a real server sends into testdata/pgoutput.bin, anew")

var capturedLog = filepath.Join("testdata", "pgoutput.bin")

// everyMessage makes a server send every message of protocol version 1.
const everyMessage = `
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE k(id int PRIMARY KEY, a text, b text, m mood, n numeric);
CREATE TABLE f(id int PRIMARY KEY, a text, z text);
CREATE TABLE w(a int, b int NOT NULL UNIQUE, c text);
ALTER TABLE f REPLICA IDENTITY FULL;
ALTER TABLE w REPLICA IDENTITY USING INDEX w_b_key;
ALTER TABLE k ALTER a SET STORAGE EXTERNAL;
ALTER TABLE f ALTER a SET STORAGE EXTERNAL;`

const everyChange = `
INSERT INTO k SELECT i, CASE WHEN i % 3 = 0 THEN (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 100) j) END, 'row ' || i, 'glad', i / 3.0 FROM generate_series(1, 9) i;
UPDATE k SET b = 'changed' WHERE id IN (1, 3);
UPDATE k SET id = id + 100 WHERE id IN (2, 6);
DELETE FROM k WHERE id = 9;
INSERT INTO f SELECT 1, (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 100) j), NULL;
UPDATE f SET z = 'ü';
DELETE FROM f;
INSERT INTO w VALUES (1, 2, '');
UPDATE w SET b = 3;
BEGIN; ALTER TABLE w ADD d bool; INSERT INTO w VALUES (4, 5, E'\\\n', true); SELECT pg_logical_emit_message(true, 'prefix', 'content'); COMMIT;
SELECT pg_logical_emit_message(false, '', '');
TRUNCATE k, f;`

// readLog is every CopyData of a slot up to the log's end, as the server sent it.
func readLog(t *testing.T, s *logServer) [][]byte {
	t.Helper()
	s.exec(t, "SELECT pg_logical_emit_message(true, 'end of test', '')")
	got, err := newStreamer(s.cfg, s.wire).start(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer got.conn.Close()
	var log [][]byte
	for end := false; ; {
		typ, payload, err := got.framer.next()
		if err == errWouldWait {
			continue
		}
		if err != nil || typ != backendCopyData {
			t.Fatal(typ, err)
		}
		if payload[0] != copyXLogData {
			continue
		}
		log = append(log, bytes.Clone(payload))
		end = end || bytes.Contains(payload, []byte("end of test"))
		if end && payload[xlogHeaderBytes] == msgCommit {
			return log
		}
	}
}

func captureEveryMessage(t *testing.T, version int) [][]byte {
	t.Helper()
	s := newLogServer(t, testenv.SharedPostgres(t, version), everyMessage)
	s.exec(t, everyChange)
	s.exec(t, "SELECT pg_replication_origin_create('o') FROM (SELECT 1) one WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = 'o')")
	s.exec(t, "SELECT pg_replication_origin_session_setup('o'); BEGIN; INSERT INTO f VALUES (5, '', ''); COMMIT; SELECT pg_replication_origin_session_reset()")
	return readLog(t, s)
}

// loadCaptured is the log of a PostgreSQL 15, captured with -capture.
func loadCaptured(tb testing.TB) [][]byte {
	tb.Helper()
	b, err := os.ReadFile(capturedLog)
	if err != nil {
		tb.Fatal(err)
	}
	var log [][]byte
	for len(b) > 0 {
		n := binary.BigEndian.Uint32(b)
		log = append(log, b[4:4+n:4+n])
		b = b[4+n:]
	}
	return log
}

func storeCaptured(t *testing.T, log [][]byte) {
	t.Helper()
	var b []byte
	for _, m := range log {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(m))), m...)
	}
	if err := os.WriteFile(capturedLog, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEveryMessageIsReadAsPglogreplReadsIt(t *testing.T) {
	for _, version := range []int{14, 15, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", version), func(t *testing.T) {
			log := captureEveryMessage(t, version)
			if *capture && version == 15 {
				storeCaptured(t, log)
			}
			seen := map[byte]int{}
			for _, payload := range log {
				data := payload[xlogHeaderBytes:]
				seen[data[0]]++
				if err := compareWithOracle(data); err != nil {
					t.Errorf("%c: %v", data[0], err)
				}
				xlog, err := pglogrepl.ParseXLogData(payload[1:])
				if err != nil || uint64(xlog.WALStart) != binary.BigEndian.Uint64(payload[1:]) || !bytes.Equal(xlog.WALData, data) {
					t.Errorf("the header of %c: %+v, %v", data[0], xlog, err)
				}
			}
			for _, typ := range []byte("BCORYIUDTM") {
				if seen[typ] == 0 {
					t.Errorf("the server sent no %c, so that nothing is said of it", typ)
				}
			}
		})
	}
}

func TestTheKeepaliveIsReadAsPglogreplReadsIt(t *testing.T) {
	for _, want := range []bool{false, true} {
		b := append([]byte{copyKeepalive}, make([]byte, 17)...)
		binary.BigEndian.PutUint64(b[1:], 0x1_2345_6789)
		if want {
			b[17] = 1
		}
		oracle, err := pglogrepl.ParsePrimaryKeepaliveMessage(b[1:])
		if err != nil {
			t.Fatal(err)
		}
		wire, h := newProgress(), &recorder{}
		alive := newKeepalive(nil, wire, nil, 0, 0, nil)
		if err := newStreamer(&Config{}, wire).copyData(b, newDecoder(context.Background(), h, 0, wire), alive); err != nil {
			t.Fatal(err)
		}
		if h.idles[0] != uint64(oracle.ServerWALEnd) || wire.server.Load() != uint64(oracle.ServerWALEnd) || (len(alive.ask) == 1) != oracle.ReplyRequested {
			t.Errorf("idle at %d, server at %d, answer asked %t; pglogrepl: %+v", h.idles, wire.server.Load(), len(alive.ask) == 1, oracle)
		}
	}
}
