package reliability

import (
	"errors"
	"slices"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/judge"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/workload"
)

// kafkaFaults are what goes wrong with the brokers, on the way to them, and with what they allow.
func kafkaFaults() []fault {
	return slices.Concat(brokerFaults(), wireFaults(), clusterFaults(), refusalFaults(), absenceFaults(), diskFaults())
}

// loaded is a daemon that streams while the workload writes.
type loaded struct {
	*harness.Run
	daemon *harness.Daemon
	work   *workload.Workload
}

// pause is between the transactions of one writer, on average.
const pause = 8 * time.Millisecond

// load begins: the daemon streams, then writers write. The keys are set before.
func load(t *testing.T, r *harness.Run, keys ...string) *loaded {
	t.Helper()
	return loadWith(t, workload.Standard(pause), r, keys...)
}

func loadWith(t *testing.T, o workload.Options, r *harness.Run, keys ...string) *loaded {
	t.Helper()
	r.Setup = r.With(append([]string{"request.timeout.ms", "2s"}, keys...)...)
	harness.Binary(t, r.Tags...) // before the workload begins
	l := &loaded{Run: r, daemon: r.Streaming(t)}
	l.work = workload.StartWith(t, r.PG, r.Database, r.Seed, o)
	return l
}

// goesOn has rdip catch up while the writers go on.
func (l *loaded) goesOn(t *testing.T, d time.Duration) {
	t.Helper()
	time.Sleep(d)
	l.Converge(t)
}

// end lets the writers finish and rdip catch up and stop, and judges.
func (l *loaded) end(t *testing.T) judge.Verdict {
	t.Helper()
	l.work.Finish(t)
	l.Converge(t)
	if code := l.daemon.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	return l.Verdict(t)
}

// endWithoutRepeats is end for what goes wrong under one run of the daemon, which its producer has to get over by
// itself: nothing comes twice, in either mode.
func (l *loaded) endWithoutRepeats(t *testing.T) {
	t.Helper()
	if v := l.end(t); v.Repeated > 0 {
		t.Errorf("%d records came twice, and rdip was not restarted", v.Repeated)
	}
}

// must ends the test where a fault could not be made, or mended.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// brokerFaults are those of one broker's process.
func brokerFaults() []fault {
	return []fault{
		{name: "the only broker is stopped in order and started again", modes: both, // K1
			proves: "a controlled shutdown and a start, twice under load, lose, repeat and reorder nothing; batches that the broker refused as it went are sent again in order",
			not:    "what a broker without replicas loses with its disk: that is Kafka's, docs/DELIVERY.md says so",
			run: func(t *testing.T, mode harness.Mode) {
				brokerComesBack(t, mode, func(c *kafkaserver.Cluster) error { return errors.Join(c.Stop(), c.Start(t.Context())) })
			}},
		{name: "the only broker is killed and started again", modes: both, // K1
			proves: "kill -9 of the broker, twice under load: what it had appended and not answered is not appended again (the producer's state is rebuilt from its log), what it had not is sent again in order",
			not:    "a machine that loses its page cache: then an unreplicated topic loses what was acknowledged",
			run: func(t *testing.T, mode harness.Mode) {
				brokerComesBack(t, mode, func(c *kafkaserver.Cluster) error { return errors.Join(c.Kill(), c.Start(t.Context())) })
			}},
		{name: "the only broker is frozen beyond every timeout and thaws", modes: both, // K1
			proves: "requests that wait in a frozen broker's socket and were sent again on other connections are appended once each, in order",
			not:    "a new daemon meanwhile: the next one",
			run: func(t *testing.T, mode harness.Mode) {
				brokerComesBack(t, mode, func(c *kafkaserver.Cluster) error {
					return errors.Join(c.Pause(), wait(5*time.Second), c.Resume())
				})
			}},
		{name: "the daemon is killed while the broker is frozen, and the next one waits when it thaws", modes: both, // K12
			proves: "batches of a dead daemon that lie in the broker's socket do not come behind those of the next one",
			not:    "which of the two the broker reads first is its choice: the next scenario forces the bad order",
			run:    frozenOverAKill},
		{name: "requests of a killed daemon arrive after the next one has written", modes: both, // K12
			proves: "the worst order: the network keeps a dead daemon's requests until the next one has sent everything again, and then delivers them; their epoch is old, and the broker refuses them",
			not:    "a broker that ends such connections itself before (connections.max.idle.ms)",
			run:    lateRequests},
	}
}

func brokerComesBack(t *testing.T, mode harness.Mode, outage func(*kafkaserver.Cluster) error) {
	l := load(t, mode.Run(t, testenv.SharedPostgres(t, 18), testenv.Kafka(t, kafkaserver.Options{})))
	for range 2 {
		l.goesOn(t, time.Second)
		must(t, outage(l.Kafka))
		l.Faulted(1)
	}
	l.goesOn(t, time.Second)
	l.endWithoutRepeats(t)
}

func wait(d time.Duration) error {
	time.Sleep(d)
	return nil
}

func frozenOverAKill(t *testing.T, mode harness.Mode) {
	l := load(t, mode.Run(t, testenv.SharedPostgres(t, 18), testenv.Kafka(t, kafkaserver.Options{})))
	l.CutOff = true
	for range 3 {
		l.goesOn(t, time.Second)
		must(t, l.Kafka.Pause(), wait(700*time.Millisecond))
		l.daemon.Kill()
		l.Killed(1)
		l.Faulted(1)
		l.daemon = l.Start(t)
		must(t, wait(700*time.Millisecond), l.Kafka.Resume())
		l.daemon.WaitFor(t, "state=streaming")
	}
	l.goesOn(t, time.Second)
	l.end(t)
}

func lateRequests(t *testing.T, mode harness.Mode) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
	l := load(t, mode.Run(t, testenv.SharedPostgres(t, 18), kafka), "bootstrap.servers", kafka.ProxiedBootstrap())
	for range 3 {
		l.goesOn(t, time.Second)
		release := kafka.Brokers[0].Proxy().Hold()
		must(t, wait(700*time.Millisecond))
		l.daemon.Kill()
		l.Killed(1)
		l.Faulted(1)
		l.daemon = l.Streaming(t)
		l.goesOn(t, 500*time.Millisecond) // all partitions have been written to
		release()
		must(t, wait(500*time.Millisecond))
	}
	l.goesOn(t, 500*time.Millisecond)
	l.end(t)
}
