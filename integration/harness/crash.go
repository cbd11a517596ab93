package harness

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/failpoint"
	"rdip/offsets"
)

// Crash is one death of a daemon by SIGKILL: at a named point, the n-th time that it is passed, or at a
// random moment.
type Crash struct {
	Point string // "" for a random moment
	N     int
	// Linger is how long the point is held before the kill, while the rest of the process goes on.
	Linger time.Duration
}

func (c Crash) String() string {
	if c.Point == "" {
		return "at a random moment"
	}
	if c.Linger > 0 {
		return fmt.Sprintf("%s:%d:%v", c.Point, c.N, c.Linger)
	}
	return fmt.Sprintf("%s:%d", c.Point, c.N)
}

// Crash starts a daemon and sees it die, and checks what it leaves behind.
func (r *Run) Crash(t *testing.T, c Crash, random *rand.Rand) {
	t.Helper()
	t.Logf("kill -9 %v", c)
	r.killed++
	s := *r.Setup
	s.Env = []string{"RDIP_FAILPOINT=" + c.String()}
	d := s.Start(t)
	switch c.Point {
	case "":
		select {
		case <-d.Done:
		case <-time.After(500*time.Millisecond + time.Duration(random.Int64N(int64(2*time.Second)))):
		}
		d.Kill()
	case failpoint.MidChunk:
		killPastRewrite(d)
	case failpoint.Draining:
		d.WaitFor(t, "state=streaming")
		time.Sleep(300 * time.Millisecond)
		_ = d.Cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-d.Done:
	case <-time.After(Patience):
		t.Fatalf("rdip did not come to %v:\n%s", c, d.Out.String())
	}
	if status := d.Cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Fatalf("rdip ended by itself before %v: %v\n%s", c, d.Cmd.ProcessState, d.Out.String())
	}
	r.ConfirmedIsDurable(t)
}

// killPastRewrite kills a daemon that can no longer come to a point of its first copy, since a writer's rewrite of a table
// has ended that copy (P69).
func killPastRewrite(d *Daemon) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for deadline := time.After(Patience); ; {
		select {
		case <-d.Done:
			return
		case <-deadline:
			return
		case <-look.C:
		}
		if text := d.Out.String(); strings.Contains(text, "(P69)") && strings.Contains(text, "state=streaming") {
			d.Kill()
			return
		}
	}
}

// ConfirmedIsDurable is a judge of its own: the source was never told more than what is on disk (G3, G4), and no more
// than what a table that has stopped still needs. No daemon may run.
func (r *Run) ConfirmedIsDurable(t *testing.T) {
	t.Helper()
	confirmed := r.Slot(t, "confirmed_flush_lsn - '0/0'")
	if confirmed == "" {
		return // there is no slot yet
	}
	place, err := strconv.ParseUint(confirmed, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if durable, known := r.durable(t); known && place > durable {
		t.Errorf("judge acknowledged: the slot has confirmed %X, and only %X is durable", place, durable)
	}
}

// durable is the place that a restart would go on from, or a table that has stopped, where one is stored: in the topic of positions, or in the
// offsets file.
func (r *Run) durable(t *testing.T) (place uint64, known bool) {
	t.Helper()
	if r.Mode.Exactly {
		return r.durableInTopic(t)
	}
	contents, err := offsets.Dump(r.Keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := contents.Connectors["shop"]
	place = record.Place
	for _, stopped := range record.Stopped {
		if stopped.Position != "" {
			place = min(place, stopped.Place)
		}
	}
	return place, record.Position != ""
}

// durableInTopic reads the newest committed position of the connector, as Kafka Connect's tools would.
func (r *Run) durableInTopic(t *testing.T) (place uint64, known bool) {
	t.Helper()
	const topic = "rdip-offsets"
	if _, _, ok, err := r.Kafka.Topic(topic); err != nil || !ok {
		return 0, false
	}
	key := fmt.Sprintf(`["shop",{"server":%q}]`, r.Prefix)
	err := r.Kafka.Each(t.Context(), topic, func(k kafkaserver.Record) error {
		if string(k.Key) != key || k.Value == nil {
			return nil
		}
		var position struct {
			Place uint64 `json:"lsn_proc"`
		}
		err := json.Unmarshal(k.Value, &position)
		place, known = position.Place, true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return place, known && place > 0
}
