package integration

import (
	"testing"

	"rdip/integration/harness"
)

// P57, P58, G1: changes of a table that the publication had not for a while are in no log. Its rows are read again, whoever
// put it back.
func TestATableThatWasTakenOutOfThePublicationIsReadAgainOnceItIsBack(t *testing.T) {
	for name, back := range map[string]bool{"rdip puts it back": false, "somebody puts it back": true} {
		t.Run(name, func(t *testing.T) {
			p := harness.ItemsPipeline(t, 18)
			d := p.Streaming(t)
			p.Exec(t, "ALTER PUBLICATION "+p.Prefix+" DROP TABLE items", "INSERT INTO items VALUES (1, 'in no log')")
			if back {
				p.Exec(t, "ALTER PUBLICATION "+p.Prefix+" ADD TABLE items")
			}
			for range 2 { // the second start has nothing to read again
				if code := d.Stop(t); code != harness.ExitDone {
					t.Fatalf("exit code %d", code)
				}
				d = p.Streaming(t)
				p.MustHold(t, 1, true)
				harness.SnapshotDone(t, d)
			}
			if records := p.Records(t, "items"); len(records) != 3 {
				t.Errorf("%d records: row 0 twice and row 1 once were expected", len(records))
			}
		})
	}
}
