package mutants

import (
	"fmt"
	"testing"
	"time"

	"rdip/integration/harness"
)

// streamScenarios are of one daemon that nothing happens to, and of one that is stopped in order.
func streamScenarios() []scenario {
	return []scenario{
		{"stream", "two writers and a schema change, while one daemon streams", stream},
		{"stops", "the daemon is stopped and started, and rows are written meanwhile", stops},
		{"json", "two writers, with Kafka Connect's JSON converter", inJSON},
		{"prepared", "transactions that are prepared, and committed or rolled back by another daemon (P37)", prepared},
		{"streamed", "transactions with savepoints that are received while they are in progress", streamed},
	}
}

func stream(t *testing.T, binary string) {
	r := begin(t, binary, "connectors.shop.provide.transaction.metadata", "true")
	d := r.Streaming(t)
	writing(t, r, 1500*time.Millisecond)
	r.Exec(t, "ALTER TABLE single ADD COLUMN later int",
		"UPDATE single SET version = nextval('versions'), note = 'altered', later = id WHERE id % 100 = 1",
		"UPDATE wide SET version = nextval('versions'), note = 'body as before' WHERE id % 20 = 1",
		"UPDATE audited SET version = nextval('versions'), note = 'body as before' WHERE id % 20 = 1",
		"UPDATE single SET version = nextval('versions'), id = id + 50000 WHERE id % 200 = 2",
		"DELETE FROM single WHERE id % 200 = 3", "DELETE FROM keyless WHERE id % 10 = 3")
	conclude(t, r, d)
}

func stops(t *testing.T, binary string) {
	r := begin(t, binary)
	for n := range 3 {
		d := r.Streaming(t)
		r.Exec(t, fmt.Sprintf("UPDATE single SET version = nextval('versions') WHERE id %% 50 = %d", n))
		r.Converge(t)
		if code := d.Stop(t); code != harness.ExitDone {
			t.Errorf("exit code %d", code)
		}
		r.Exec(t, fmt.Sprintf("UPDATE single SET version = nextval('versions') WHERE id %% 10 = %d", n),
			fmt.Sprintf("UPDATE wide SET version = nextval('versions'), note = 'while it was away' WHERE id %% 10 = %d", n))
	}
	again(t, r)
}

func streamed(t *testing.T, binary string) {
	r := begin(t, binary, "connectors.shop.streaming", "on")
	d := r.Streaming(t)
	for n := range 2 {
		r.Exec(t, fmt.Sprintf(`DO $$ BEGIN
			UPDATE wide SET version = nextval('versions'), body = repeat(md5(version::text), 150) WHERE id %% 2 = %d;
			BEGIN
				UPDATE audited SET version = nextval('versions'), note = 'ROLLED BACK', body = repeat(md5(version::text), 150);
				UPDATE single SET version = nextval('versions'), note = 'ROLLED BACK';
				PERFORM pg_sleep(1); -- what was aborted before it is decoded is not sent
				RAISE EXCEPTION 'to the savepoint';
			EXCEPTION WHEN raise_exception THEN NULL;
			END;
			UPDATE single SET version = nextval('versions'), note = 'after the savepoint' WHERE id %% 3 = %d;
		END $$`, n, n))
	}
	writing(t, r, 500*time.Millisecond)
	conclude(t, r, d)
}

func inJSON(t *testing.T, binary string) {
	r := begin(t, binary, "key.converter", "org.apache.kafka.connect.json.JsonConverter", "value.converter", "org.apache.kafka.connect.json.JsonConverter",
		"key.converter.schemas.enable", "false", "value.converter.schemas.enable", "false")
	d := r.Streaming(t)
	writing(t, r, 800*time.Millisecond)
	conclude(t, r, d)
}

func prepared(t *testing.T, binary string) {
	r := begin(t, binary, "connectors.shop.slot.stream.params", "two_phase=on")
	d := r.Streaming(t)
	r.Converge(t)
	gid := r.Prefix
	session := func(gid, note string, remainder int) {
		harness.Script(t, r.PG, r.Database, fmt.Sprintf(`BEGIN;
			UPDATE single SET version = nextval('versions'), note = '%s' WHERE id %% 20 = %d;
			INSERT INTO composite SELECT 'prepared', %[2]d * 100 + i, nextval('versions'), '%[1]s' FROM generate_series(1, 5) i;
			DELETE FROM audited WHERE id %% 20 = %[2]d;
			PREPARE TRANSACTION '%[3]s';`, note, remainder, gid))
	}
	session(gid+"-kept", "prepared", 1)
	session(gid+"-gone", "ROLLED BACK", 2)
	r.Exec(t, "UPDATE single SET version = nextval('versions'), note = 'meanwhile' WHERE id % 20 = 3")
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	d = r.Streaming(t)
	r.Exec(t, "UPDATE wide SET version = nextval('versions'), note = 'meanwhile' WHERE id % 20 = 3", "COMMIT PREPARED '"+gid+"-kept'", "ROLLBACK PREPARED '"+gid+"-gone'",
		"UPDATE single SET version = nextval('versions'), note = 'behind it' WHERE id % 40 = 1")
	conclude(t, r, d)
}
