package integration

import (
	"bufio"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
)

// A stop delivers what was read and stores how far it came, so that the next start repeats nothing.
func TestSIGTERMDeliversWhatWasReadAndTheNextStartRepeatsNothing(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("log.format", "json")
	d := streamingJSON(p, t)
	p.Insert(t, 1, 100)
	began := time.Now()
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("the stop took %v, its bound is 10s", took)
	}
	mustBeJSONLines(t, d.Out.String())

	p.Insert(t, 101, 150)
	d = streamingJSON(p, t)
	p.MustHold(t, 150, false)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}

// streamingJSON is streaming for a daemon that logs JSON.
func streamingJSON(p *harness.Pipeline, t *testing.T) *harness.Daemon {
	t.Helper()
	d := p.Start(t)
	d.WaitFor(t, `"state":"streaming"`)
	return d
}

func mustBeJSONLines(t *testing.T, log string) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(log)); lines.Scan(); {
		var line struct{ Time, Level, Msg string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Time == "" || line.Level == "" || line.Msg == "" {
			t.Errorf("a line of the log is not a JSON object with time, level and msg: %q, %v", lines.Text(), err)
		}
	}
}

// D2: with Kafka frozen a stop takes no longer than it may, and the exit code says that something is left;
// a second SIGTERM does not wait. What was not acknowledged comes after the next start.
func TestAStopWithFrozenKafkaEndsInItsBoundAndASecondSIGTERMAtOnce(t *testing.T) {
	kafka := testenv.Kafka(t, kafkaserver.Options{})
	p := harness.NewPipelineBetween(t, testenv.SharedPostgres(t, 18), kafka)
	p.MakeItems(t)

	d := p.Configured("task.shutdown.graceful.timeout.ms", "2000").Streaming(t)
	p.MustHold(t, 0, false)
	freeze(t, kafka, func() {
		p.Insert(t, 1, 20)
		time.Sleep(500 * time.Millisecond) // so that they were read
		began := time.Now()
		if code := d.Stop(t); code != harness.ExitNotDrained {
			t.Errorf("exit code %d, not %d", code, harness.ExitNotDrained)
		}
		if took := time.Since(began); took < 1900*time.Millisecond || took > 8*time.Second {
			t.Errorf("the stop took %v, its bound is 2s", took)
		}
	})

	d = p.Configured("task.shutdown.graceful.timeout.ms", "60000").Streaming(t)
	p.MustHold(t, 20, true)
	freeze(t, kafka, func() {
		p.Insert(t, 21, 40)
		time.Sleep(500 * time.Millisecond)
		_ = d.Cmd.Process.Signal(syscall.SIGTERM)
		time.Sleep(time.Second)
		select {
		case <-d.Done:
			t.Fatalf("rdip did not wait for Kafka:\n%s", d.Out.String())
		default:
		}
		began := time.Now()
		_ = d.Cmd.Process.Signal(syscall.SIGTERM)
		if code := d.Wait(t, 5*time.Second); code != harness.ExitNotDrained {
			t.Errorf("exit code %d, not %d", code, harness.ExitNotDrained)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the second SIGTERM took %v", took)
		}
	})
	p.Streaming(t)
	p.MustHold(t, 40, true)
}

// freeze has the brokers answer nothing meanwhile.
func freeze(t *testing.T, kafka *kafkaserver.Cluster, meanwhile func()) {
	t.Helper()
	if err := kafka.Pause(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := kafka.Resume(); err != nil {
			t.Fatal(err)
		}
	}()
	meanwhile()
}
