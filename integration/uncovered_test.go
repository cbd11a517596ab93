package integration

import (
	"testing"

	"rdip/integration/harness"
)

// P18, P19: where another table takes the name of a captured one, the log says nothing of it. That is warned of, and
// the next start publishes it and reads its rows.
func TestATableThatTookTheNameOfAnotherIsWarnedOfAndReadAtTheNextStart(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.table.include.list", `public\.items`)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	p.Exec(t, "CREATE TABLE fresh(id int PRIMARY KEY, note text)", "INSERT INTO fresh VALUES (1, 'a'), (2, 'b')",
		"DO $$ BEGIN ALTER TABLE items RENAME TO items_old; ALTER TABLE fresh RENAME TO items; END $$", "INSERT INTO items VALUES (3, 'c')")
	p.Command(t, harness.ExitDone, flags(p, t, d, "reload")...) // after which the server is looked at, as it is once a minute
	d.WaitFor(t, "table public.items: it is captured, and the publication")
	p.Command(t, harness.ExitDone, flags(p, t, d, "restart", "shop")...)
	p.MustHold(t, 3, false)
	p.Exec(t, "INSERT INTO items VALUES (4, 'd')")
	p.MustHold(t, 4, false)
}
