package integration

import (
	"strings"
	"testing"

	"rdip/integration/harness"
)

// P68, G1: a table that stopped while some of it was read beside the stream, and was then given up, is read again as a whole:
// what was read of it before is not up to date any more.
func TestATableThatIsGivenUpWithinItsReadingIsReadAgainAsAWhole(t *testing.T) {
	for _, support := range []string{"requested", "required"} {
		t.Run(support, func(t *testing.T) {
			p := harness.NewPipeline(t, 18).Configured("connectors.shop.exactly.once.support", support, "connectors.shop.table.include.list", "public.others",
				"connectors.shop.quarantine.max.retained.bytes", "200000", "connectors.shop.snapshot.chunk.bytes", "64KiB")
			p.Exec(t, "CREATE TABLE items(id int PRIMARY KEY, n numeric(6,2), note text)", "CREATE TABLE others(id int PRIMARY KEY)",
				"INSERT INTO items SELECT i, CASE WHEN i = 999 THEN 'NaN'::numeric ELSE 1 END, repeat('x', 300) FROM generate_series(0, 999) i")
			d := p.Streaming(t)
			p = p.Configured("connectors.shop.table.include.list", "public.others,public.items")
			p.File(t)
			p.Command(t, harness.ExitDone, "reload", "--url", d.REST(t))
			d.WaitFor(t, "table stopped; the other tables go on")
			if n := len(p.Records(t, "items")); n == 0 || n > 999 {
				t.Errorf("%d rows were read before it stopped", n)
			}
			if out := p.Command(t, harness.ExitDone, "snapshot", "shop", "--url", d.REST(t)); !strings.Contains(out, "the table has stopped: rdip status says why") {
				t.Errorf("its reading is told as\n%s", out)
			}
			p.Exec(t, "UPDATE items SET note = 'passed over' WHERE id = 0",
				"CREATE TABLE elsewhere(id int PRIMARY KEY, t text)", "INSERT INTO elsewhere SELECT i, repeat(i::text, 100) FROM generate_series(1, 5000) i")
			d.WaitFor(t, "table given up; the source is held for it no longer")
			p.Exec(t, "UPDATE items SET n = 1 WHERE id = 999", "DELETE FROM items WHERE id = 998")
			if out := p.Command(t, harness.ExitConfiguration, "snapshot", "shop", "public.items", "--keys", "1", "--url", d.REST(t)); !strings.Contains(out, "rdip resume shop public.items") {
				t.Errorf("some of its rows:\n%s", out)
			}
			if out := p.Command(t, harness.ExitDone, "resume", "shop", "public.items", "--url", d.REST(t)); !strings.Contains(out, "is read again") {
				t.Errorf("resumed:\n%s", out)
			}
			p.Command(t, harness.ExitDone, "snapshot", "shop", "--wait", "--url", d.REST(t))
			p.Exec(t, "UPDATE items SET note = 'behind it' WHERE id = 1")
			p.Converge(t)
			notes := map[string]string{}
			for _, r := range p.Records(t, "items") {
				notes[r.Key] = r.After["note"]
			}
			if len(notes) < 999 || !strings.Contains(notes["0"], "passed over") || !strings.Contains(notes["1"], "behind it") {
				t.Errorf("%d rows, row 0 %q, row 1 %q", len(notes), notes["0"], notes["1"])
			}
			if items := itemsOf(t, d); items.Stopped != "" {
				t.Errorf("%+v", items)
			}
		})
	}
}

// G1: a table that stopped in its snapshot and is not captured any more is forgotten, so that the others are all there is;
// captured again it is read as one that came later.
func TestATableThatStoppedInItsSnapshotIsForgottenOnceItIsNotCaptured(t *testing.T) {
	for _, support := range []string{"requested", "required"} {
		t.Run(support, func(t *testing.T) {
			p := harness.ItemsPipeline(t, 17).Configured("connectors.shop.exactly.once.support", support, "connectors.shop.snapshot.mode", "initial_only")
			p.Exec(t, "CREATE TABLE bad(id int PRIMARY KEY, n numeric(6,2))", "INSERT INTO bad VALUES (1, 1), (2, 'NaN')")
			p.Start(t).MustSay(t, harness.ExitRuntime, "public.bad stopped; every other table is read")
			if code := p.Configured("connectors.shop.table.exclude.list", "public.bad").Start(t).Wait(t, harness.Patience); code != harness.ExitDone {
				t.Errorf("without the table: exit code %d", code)
			}
			p.Exec(t, "UPDATE bad SET n = 2 WHERE id = 2")
			if code := p.Start(t).Wait(t, harness.Patience); code != harness.ExitDone {
				t.Errorf("with it again: exit code %d", code)
			}
			if read := readKeys(p, t, "bad", "id"); read["2"] != 1 || readKeys(p, t, "items", "id")["0"] != 1 {
				t.Errorf("rows that were read: %v", read)
			}
		})
	}
}
