package reliability

import (
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/workload"
)

// clusterFaults are those of three brokers, of which two have each record before it is acknowledged.
func clusterFaults() []fault {
	return []fault{
		{name: "the leader is killed under load, one broker after another", modes: both, // K2
			proves: "an election after kill -9 loses nothing that was acknowledged (min.insync.replicas=2), and what was not is sent to the new leader once, in order",
			not:    "unclean elections, which Kafka has off: they lose what was acknowledged",
			run: func(t *testing.T, mode harness.Mode) {
				inCluster(t, mode, func(l *loaded) {
					for _, b := range l.Kafka.Brokers {
						must(t, b.Kill())
						l.Faulted(1)
						l.goesOn(t, time.Second)
						must(t, b.Start(t.Context()), l.inSync(t))
						l.goesOn(t, 500*time.Millisecond)
					}
				})
			}},
		{name: "leaders are moved by reassignment and election under load", modes: both, // K2
			proves: "a leader that moves while every broker is well: NOT_LEADER_OR_FOLLOWER is answered for requests under way, which go to the new one in order",
			not:    "partitions that move to other log directories or shrink",
			run: func(t *testing.T, mode harness.Mode) {
				inCluster(t, mode, func(l *loaded) {
					for range 3 {
						for _, table := range workload.Tables {
							must(t, l.Kafka.MoveLeaders(t.Context(), l.Prefix+".public."+table.Name))
						}
						l.Faulted(1)
						l.goesOn(t, 300*time.Millisecond)
					}
				})
			}},
		{name: "one broker of three is a black hole for the daemon", modes: both, // K2, P47
			proves: "a broker that swallows all it is sent while the others think it well holds its partitions back and no others; their records arrive once it answers, in order",
			not:    "packets that vanish below TCP: the connection here is a proxy that reads and drops",
			run: func(t *testing.T, mode harness.Mode) {
				inCluster(t, mode, func(l *loaded) {
					for _, b := range l.Kafka.Brokers {
						b.Proxy().Blackhole()
						l.Faulted(1)
						time.Sleep(3 * time.Second)
						b.Proxy().Pass()
						l.goesOn(t, 300*time.Millisecond)
					}
				})
			}},
		{name: "the coordinator of transactions moves and dies under load", modes: []harness.Mode{harness.ExactlyOnce}, // K2, K7
			proves: "a transaction whose coordinator moves, or is killed, is committed or aborted as a whole, and no position is committed without its records",
			not:    "a log of transactions that is lost",
			run: func(t *testing.T, mode harness.Mode) {
				inCluster(t, mode, func(l *loaded) {
					const topic = "__transaction_state"
					l.Faulted(4)
					for range 3 {
						must(t, l.Kafka.MoveLeaders(t.Context(), topic))
						l.goesOn(t, 300*time.Millisecond)
					}
					id, err := l.Kafka.Leader(topic, 0)
					must(t, err)
					leader := l.Kafka.Brokers[id-1]
					must(t, leader.Kill())
					l.goesOn(t, time.Second)
					must(t, leader.Start(t.Context()))
				})
			}},
	}
}

// inCluster loads three brokers, has the fault done, and judges.
func inCluster(t *testing.T, mode harness.Mode, do func(*loaded)) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Brokers: 3, Proxied: true, HeapMB: 192})
	r := mode.Run(t, testenv.SharedPostgres(t, 18), kafka)
	l := load(t, r, "bootstrap.servers", kafka.ProxiedBootstrap(),
		"connectors.shop.topic.creation.default.replication.factor", "3",
		"connectors.shop.topic.creation.default.min.insync.replicas", "2")
	l.goesOn(t, time.Second)
	do(l)
	l.goesOn(t, 500*time.Millisecond)
	l.endWithoutRepeats(t)
}

// inSync waits until every partition of the tables has all its replicas in sync, so that the next broker may go.
func (l *loaded) inSync(t *testing.T) error {
	t.Helper()
	for _, table := range workload.Tables {
		if err := l.Kafka.AwaitInSync(t.Context(), l.Prefix+".public."+table.Name); err != nil {
			return err
		}
	}
	return l.Kafka.AwaitInSync(t.Context(), "__transaction_state")
}
