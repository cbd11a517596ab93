package reliability

import (
	"os"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
)

// O4: where the state folder has no room at the very first start, the start says so and leaves nothing behind, neither a slot
// nor half a file that the next start could not begin with.
func TestExactlyOnceAStateDiskThatIsFullAtTheVeryFirstStartIsNamed(t *testing.T) {
	for name, room := range map[string]int64{"not one byte": 0, "less than the file needs": 20 << 10} {
		t.Run(name, func(t *testing.T) {
			p := once(t)
			state := p.Keys["state.dir"]
			if err := os.MkdirAll(state, 0o700); err != nil {
				t.Fatal(err)
			}
			disk := testenv.SmallDisk(t, state, 512<<10, os.Geteuid())
			if err := disk.FillBut(room); err != nil {
				t.Fatal(err)
			}
			p.Insert(t, 1, 2)
			p.Start(t).MustSay(t, harness.ExitRuntime, "no space left on device", "nothing was stored yet", "has room")
			if slot := p.Slot(t, "slot_name"); slot != "" {
				t.Errorf("the slot %s was made, of which nothing is stored", slot)
			}
			if err := disk.Free(); err != nil {
				t.Fatal(err)
			}
			d := p.Streaming(t)
			p.Insert(t, 3, 4)
			p.MustHold(t, 4, false)
			p.Converge(t)
			ends(t, d)
		})
	}
}
