package integration

import "testing"

// P18, P19: where another table takes the name of a captured one, the log says nothing of it. That is warned of, and
// the next start publishes it and reads its rows.
func TestATableThatTookTheNameOfAnotherIsWarnedOfAndReadAtTheNextStart(t *testing.T) {
	p := itemsPipeline(t, 18).configured("connectors.shop.table.include.list", `public\.items`)
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	p.exec(t, "CREATE TABLE fresh(id int PRIMARY KEY, note text)", "INSERT INTO fresh VALUES (1, 'a'), (2, 'b')",
		"DO $$ BEGIN ALTER TABLE items RENAME TO items_old; ALTER TABLE fresh RENAME TO items; END $$", "INSERT INTO items VALUES (3, 'c')")
	p.rdip(t, exitDone, p.flags(t, d, "reload")...) // after which the server is looked at, as it is once a minute
	d.waitFor(t, "table public.items: it is captured, and the publication")
	p.rdip(t, exitDone, p.flags(t, d, "restart", "shop")...)
	p.mustHold(t, 3, false)
	p.exec(t, "INSERT INTO items VALUES (4, 'd')")
	p.mustHold(t, 4, false)
}
