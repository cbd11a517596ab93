package reliability

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/offsets"
)

// stateFaults are those of the state folder.
func stateFaults() []fault {
	return []fault{
		{name: "the state folder's disk is full", modes: both, run: fullState,
			proves: "O4, G3, G4: while nothing can be stored nothing is confirmed, rows go on to Kafka, and with room again it goes on by itself.",
			not:    "Exactly once stores its positions in Kafka, and is not held up by the folder."},
		{name: "the state file is truncated", modes: both, run: truncatedState,
			proves: "O2: the start is refused, the file left as it is; without it the printed command goes on from the slot, with nothing missing.",
			not:    ""},
		{name: "bits of the state file are flipped", modes: both, run: flippedState,
			proves: "O2: a flipped bit anywhere in the file is refused or has no effect: what was stored is never read as something else. Of a damaged header the one before it is in force, which is an older position, and refused as such (P62).",
			not:    "Every 61st byte is tried, one bit at a time."},
		{name: "the state folder is removed under a running daemon, which is then killed", modes: both, run: removedState,
			proves: "P62, G7: a slot without a stored position is not taken over, and the printed command goes on with nothing missing.",
			not:    "A snapshot that was under way would have to be taken again, as the hint of rdip offsets set says."},
		{name: "the state folder is restored from a day before", short: true, modes: both, run: restoredState,
			proves: "O6, P62: at least once, rdip stops with both positions, and the printed command proves from the topics that it may go on. Exactly once goes on by itself: the topic is the truth.",
			not:    "A day is a second here; the age of a position is not looked at."},
		{name: "a second daemon is started on the state folder, again and again", short: true, modes: both, run: secondDaemon,
			proves: "O1, D7: it ends and names the first, which is not disturbed.",
			not:    "Both are on one machine; a folder on NFS is refused by itself (O5)."},
		{name: "the state folder is read-only", modes: both, run: readOnlyState,
			proves: "O4: the start is refused by name; the folder writable again, it goes on where it was.",
			not:    "The file system is read-only; permissions do not bind root, who runs the tests."},
		{name: "the state folder is that of another source", modes: both, run: foreignState,
			proves: "P61, K11: a position of another database or slot is refused; with the right folder it goes on where it was.",
			not:    ""},
		{name: "the state folder is used with another Kafka cluster", modes: both, run: otherCluster,
			proves: "K11: the start is refused with both ids, and the right cluster is gone on with.",
			not:    "A cluster that was restored from a copy has the same id."},
	}
}

// file is the state folder's one file.
func (u *underLoad) file() string { return filepath.Join(u.Keys["state.dir"], offsets.FileName) }

// O4
func fullState(t *testing.T, mode harness.Mode) {
	u := &underLoad{Run: mode.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t))}
	state := u.Keys["state.dir"]
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := testenv.SmallDisk(t, state, 512<<10, os.Geteuid())
	u.Setup = u.With("connectors.shop.provide.transaction.metadata", "false") // of tables that are not judged
	u.again(t)
	u.writes(t)
	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}
	// The record grows with each table's topic, and so asks for room.
	for i := range 60 {
		u.Exec(t, fmt.Sprintf("CREATE TABLE more_%d(id int PRIMARY KEY); ALTER PUBLICATION %s ADD TABLE more_%[1]d", i, u.Prefix), fmt.Sprintf("INSERT INTO more_%d VALUES (1)", i))
	}
	u.d.WaitFor(t, "no space left on device")
	u.Faulted(1)
	time.Sleep(500 * time.Millisecond) // what was stored before is told yet
	stuck := u.Slot(t, "confirmed_flush_lsn")
	time.Sleep(2 * time.Second)
	if now := u.Slot(t, "confirmed_flush_lsn"); now != stuck && !mode.Exactly {
		t.Errorf("the slot went from %s to %s while nothing could be stored", stuck, now)
	}
	if !mode.Exactly {
		u.confirmedIsInAFileThatStays(t)
	}
	if err := disk.Free(); err != nil {
		t.Fatal(err)
	}
	u.judged(t)
}

// confirmedIsInAFileThatStays checks G3 beside the daemon that holds the file, which cannot write it now.
func (u *underLoad) confirmedIsInAFileThatStays(t *testing.T) {
	t.Helper()
	whole, err := os.ReadFile(u.file())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, offsets.FileName), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	contents, err := offsets.Dump(dir, offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	place := contents.Connectors["shop"].Place
	if u.Slot(t, fmt.Sprintf("confirmed_flush_lsn <= '%X/%X'", place>>32, uint32(place))) != "true" {
		t.Errorf("the slot has confirmed %s, and only %X is durable", u.Slot(t, "confirmed_flush_lsn"), place)
	}
}

// O2
func truncatedState(t *testing.T, mode harness.Mode) {
	u := lately(t, mode, 18, (*underLoad).killed)
	whole, err := os.ReadFile(u.file())
	if err != nil {
		t.Fatal(err)
	}
	half := whole[:len(whole)/2]
	if err := os.WriteFile(u.file(), half, 0o600); err != nil {
		t.Fatal(err)
	}
	u.d = u.Start(t)
	u.d.MustSay(t, harness.ExitRuntime, u.file())
	if left, err := os.ReadFile(u.file()); err != nil || !bytes.Equal(left, half) {
		t.Errorf("the damaged file was changed: %v", err)
	}
	if err := os.Rename(u.file(), u.file()+".damaged"); err != nil {
		t.Fatal(err)
	}
	u.withoutState(t, mode)
}

// withoutState starts the daemon with an empty folder. At least once it says what to run.
func (u *underLoad) withoutState(t *testing.T, mode harness.Mode) {
	t.Helper()
	if mode.Exactly {
		u.again(t)
		u.judged(t)
		return
	}
	u.d = u.Start(t)
	u.d.MustSay(t, harness.ExitPreflight, u.Prefix, "nothing is stored")
	u.Command(t, harness.ExitDone, u.d.Printed(t, u.Pipeline, "offsets set")...)
	u.again(t)
	u.judged(t)
}

// O2
func flippedState(t *testing.T, mode harness.Mode) {
	u := lately(t, mode, 18, (*underLoad).stopped)
	whole, err := os.ReadFile(u.file())
	if err != nil {
		t.Fatal(err)
	}
	want, err := offsets.Dump(u.Keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir, refused, same := t.TempDir(), 0, 0
	for at := 0; at < len(whole); at += 61 {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << (at % 8)
		if err := os.WriteFile(filepath.Join(dir, offsets.FileName), flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := offsets.Dump(dir, offsets.Options{})
		header := at < 2*os.Getpagesize() // of two; the one before it is in force, as after a torn write
		switch {
		case err != nil:
			refused++
		case got.Connectors["shop"].Place > want.Connectors["shop"].Place, !header && !reflect.DeepEqual(got.Connectors["shop"], want.Connectors["shop"]):
			t.Errorf("with bit %d of byte %d flipped there is %+v, and was %+v", at%8, at, got.Connectors["shop"], want.Connectors["shop"])
		default:
			same++
		}
	}
	t.Logf("%d flips were refused, %d had no effect", refused, same)
	flipped := bytes.Clone(whole)
	for at := range whole {
		if bytes.HasPrefix(whole[at:], []byte(`"identity"`)) || bytes.HasPrefix(whole[at:], []byte(`"Identity"`)) {
			flipped[at+1] ^= 4
		}
	}
	if err := os.WriteFile(u.file(), flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	u.d = u.Start(t)
	u.d.MustSay(t, harness.ExitRuntime, u.file())
	if err := os.WriteFile(u.file(), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	u.again(t)
	u.judged(t)
}

// P62, G7
func removedState(t *testing.T, mode harness.Mode) {
	u := lately(t, mode, 17, func(u *underLoad, t *testing.T) {
		if err := os.RemoveAll(u.Keys["state.dir"]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(700 * time.Millisecond)
		u.killed(t)
	})
	u.withoutState(t, mode)
}

// O6
func restoredState(t *testing.T, mode harness.Mode) {
	u := lately(t, mode, 18, (*underLoad).stopped)
	old, err := os.ReadFile(u.file())
	if err != nil {
		t.Fatal(err)
	}
	u.again(t)
	time.Sleep(700 * time.Millisecond)
	u.stopped(t)
	if err := os.WriteFile(u.file(), old, 0o600); err != nil {
		t.Fatal(err)
	}
	if !mode.Exactly {
		u.d = u.Start(t)
		u.d.MustSay(t, harness.ExitPositionLost, "P62", u.stored(t), u.Slot(t, "confirmed_flush_lsn"))
		u.Command(t, harness.ExitDone, u.d.Printed(t, u.Pipeline, "offsets set shop --from-kafka")...)
	}
	u.again(t)
	u.judged(t)
}

// O1, D7
func secondDaemon(t *testing.T, mode harness.Mode) {
	u := under(t, mode, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t))
	for range 3 {
		u.Faulted(1)
		u.Start(t).MustSay(t, harness.ExitRuntime, u.Keys["state.dir"], fmt.Sprint(u.d.Cmd.Process.Pid))
	}
	u.judged(t)
}

// O4
func readOnlyState(t *testing.T, mode harness.Mode) {
	u := lately(t, mode, 16, (*underLoad).stopped)
	state := u.Keys["state.dir"]
	if err := errors.Join(unix.Mount(state, state, "", unix.MS_BIND, ""), unix.Mount("", state, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	gone := func() { _ = unix.Unmount(state, unix.MNT_DETACH) }
	t.Cleanup(gone)
	u.Start(t).MustSay(t, harness.ExitConfiguration, state, "read-only file system", "remount,rw")
	gone()
	u.again(t)
	u.judged(t)
}

// P61, K11
func foreignState(t *testing.T, mode harness.Mode) {
	u := lately(t, mode, 18, (*underLoad).stopped)
	other := mode.Run(t, testenv.SharedPostgres(t, 17), testenv.SharedKafka(t))
	d := other.Streaming(t)
	other.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	wrong := u.With("state.dir", other.Keys["state.dir"])
	if mode.Exactly { // the positions are in the topic, and the folder is made to agree with them
		u.Setup = wrong
		u.again(t)
		u.judged(t)
		return
	}
	wrong.Start(t).MustSay(t, harness.ExitPositionLost, "P61")
	u.again(t)
	u.judged(t)
}

// K11
func otherCluster(t *testing.T, mode harness.Mode) {
	u := lately(t, mode, 18, (*underLoad).stopped)
	other := testenv.Kafka(t, kafkaserver.Options{})
	wrong := u.With("bootstrap.servers", other.Bootstrap())
	wrong.Start(t).MustSay(t, harness.ExitPositionLost, u.Kafka.ID, other.ID)
	u.again(t)
	u.judged(t)
}
