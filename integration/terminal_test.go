package integration

import (
	"strings"
	"testing"

	"rdip/integration/harness"
)

// On a terminal, rdip run shows how far it is while tables are read, before the stream and beside it, and rdip snapshot
// --wait the tables that it waits for. Elsewhere there is no bar.
func TestATerminalShowsHowFarSnapshotsAre(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.snapshot.select.statement.overrides", "public.slow",
		"connectors.shop.snapshot.select.statement.overrides.public.slow", "SELECT * FROM public.slow WHERE pg_sleep(3) IS NOT NULL")
	p.Terminal = true
	p.Exec(t, "INSERT INTO items SELECT i, 'row' FROM generate_series(1, 99) i", "CREATE TABLE slow(id int PRIMARY KEY)", "INSERT INTO slow VALUES (1)")
	d := p.Start(t)
	d.WaitFor(t, "\r\x1b[Kshop [")
	harness.Eventually(t, "a bar with the rows that were read", func() bool { return strings.Contains(lastLine(d.Out.String()), "100 rows") })
	if line := lastLine(d.Out.String()); !strings.Contains(line, "rows/s") || !strings.Contains(line, "[======") {
		t.Errorf("the bar is %q", line)
	}
	d.WaitFor(t, "\r\x1b[Ktime=") // lines of the log are written over the bar
	d.WaitFor(t, "state=streaming")
	harness.Eventually(t, "the bar to go", func() bool { return lastLine(d.Out.String()) == "" })

	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.slow")...)
	harness.Eventually(t, "a bar beside the stream", func() bool { return strings.HasPrefix(lastLine(d.Out.String()), "shop [") })
	out := p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.items", "--wait")...)
	if line := lastLine(strings.TrimRight(out, "\r\n")); !strings.Contains(line, "public.items [====================] finished 100%") {
		t.Errorf("--wait shows last %q of %q", line, out)
	}
	p.Terminal = false
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.items", "--wait")...); strings.Contains(out, "[=") || !strings.Contains(out, "finished") {
		t.Errorf("without a terminal --wait shows %q", out)
	}
}

// lastLine is what a terminal shows on its last line, which was drawn again and again.
func lastLine(out string) string {
	return strings.TrimPrefix(out[strings.LastIndexAny(out, "\r\n")+1:], "\x1b[K")
}
