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
