package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/offsets"
)

// O1, D7: the state folder serves one process; another is told which.
func TestASecondDaemonOnOneStateFolderEndsAndNamesTheFirst(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	first := p.Streaming(t)
	second := p.Start(t)
	second.MustSay(t, harness.ExitRuntime, p.Keys["state.dir"], fmt.Sprint(first.Cmd.Process.Pid))
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, false)
}

// D7, P51: a slot that another daemon reads is waited for, naming who has it; and it is never taken over
// without a stored position, since it is another's.
func TestASecondDaemonOnOneSlotWaitsNamingTheFirstAndThenRefuses(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	first := p.Streaming(t)
	p.Converge(t)
	other := p.Configured("state.dir", filepath.Join(t.TempDir(), "state"), "connectors.shop.slot.max.retries", "2", "connectors.shop.slot.retry.delay.ms", "200")
	second := other.Start(t)
	second.WaitFor(t, fmt.Sprintf("PID %s reads it", p.Slot(t, "active_pid")))
	if code := first.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code of the first: %d", code)
	}
	second.MustSay(t, harness.ExitPreflight, p.Prefix, "pg_drop_replication_slot", "rdip offsets set shop --lsn")
}

// O2: a damaged offsets file is refused, told by its path, and left as it is.
func TestADamagedOffsetsFileIsRefusedAndKept(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	if code := p.Streaming(t).Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	path := filepath.Join(p.Keys["state.dir"], offsets.FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole[:len(whole)/2]...)
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Start(t).MustSay(t, harness.ExitRuntime, path)
	left, err := os.ReadFile(path)
	if err != nil || string(left) != string(damaged) {
		t.Errorf("the damaged file was changed: %v", err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Insert(t, 1, 1)
	p.Streaming(t)
	p.MustHold(t, 1, false)
}

// O4, G3: while the state folder's disk is full, rows go on to Kafka, nothing is confirmed to the source,
// and status says so; with room again the source is told.
func TestAFullStateDiskConfirmsNothingAndIsRecoveredFrom(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	state := p.Keys["state.dir"]
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := testenv.SmallDisk(t, state, 512<<10, os.Geteuid())
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	p.Converge(t)
	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}
	confirmed := p.Slot(t, "confirmed_flush_lsn")
	// The record grows with each table's topic, and so asks for room.
	for i := range 60 {
		p.Exec(t, fmt.Sprintf("CREATE TABLE more_%d(id int PRIMARY KEY); ALTER PUBLICATION %s ADD TABLE more_%d", i, p.Prefix, i), fmt.Sprintf("INSERT INTO more_%d VALUES (1)", i))
	}
	d.WaitFor(t, "no space left on device")
	stuck := p.Slot(t, "confirmed_flush_lsn")
	time.Sleep(2 * time.Second)
	if now := p.Slot(t, "confirmed_flush_lsn"); now != stuck {
		t.Errorf("the slot went from %s to %s while nothing could be stored; it was at %s before", stuck, now, confirmed)
	}
	if err := disk.Free(); err != nil {
		t.Fatal(err)
	}
	p.Converge(t)
	if rs := p.Records(t, "more_59"); len(rs) != 1 {
		t.Errorf("the last table has %d records", len(rs))
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}
