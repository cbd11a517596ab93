package reliability

import (
	"testing"
	"time"

	"github.com/IBM/sarama"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/workload"
)

// refusalFaults are what a cluster that is well does not take, and what is not the cluster or the topic that it was.
func refusalFaults() []fault {
	return []fault{
		{name: "a message is over the topic's limit and the limit is raised", short: true, modes: both, // K4
			proves: "that table stops by name and size while the others go on; after the limit is raised, rdip resume delivers all that it missed, and the others repeat nothing",
			not:    "a limit of the broker's that is below the topic's",
			run:    messageTooLarge},
		{name: "a topic is deleted and made anew under the stream", modes: both, // K11
			proves: "the connector stops naming the topic and both ids; accepted, and its table read again, nothing is missing in the new topic",
			not:    "the records that went with the old topic, which nobody has",
			run:    topicMadeAnew},
		{name: "the state folder meets another cluster", modes: both, // K11
			proves: "the start is refused with both clusters' ids; accepted, and all tables read again, nothing is missing in the other cluster",
			not:    "a mirror of the first cluster, whose topics have what was delivered",
			run:    meetsAnotherCluster},
		{name: "the right to write a topic is taken away and given back", modes: both, // K6
			proves: "the connector ends naming the right and the command that grants it; granted again, the next start loses and reorders nothing",
			not:    "a login that is taken away: it fails at the next connection",
			run:    rightTakenAway},
	}
}

func messageTooLarge(t *testing.T, mode harness.Mode) {
	l := load(t, mode.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t)))
	l.goesOn(t, 500*time.Millisecond)
	l.Exec(t, "INSERT INTO audited(id, version, note, body) VALUES (9000, nextval('versions'), 'committed', repeat('x', 2000000))")
	l.Faulted(1)
	l.stops(t, "public.audited")
	l.othersGoOn(t)
	must(t, l.Kafka.SetTopic(l.Prefix+".public.audited", "max.message.bytes", "4000000"))
	l.resumed(t, mode, "audited")
}

// topicMadeAnew deletes the topic of a table that is locked meanwhile, so that no transaction is half in the old topic.
func topicMadeAnew(t *testing.T, mode harness.Mode) {
	r := mode.Run(t, testenv.SharedPostgres(t, 18), testenv.Kafka(t, kafkaserver.Options{}))
	r.CutOff = true
	l := load(t, r, "metadata.max.age.ms", "1s", "connectors.shop.provide.transaction.metadata", "false")
	l.goesOn(t, time.Second)
	topic := l.Prefix + ".public.single"
	unlock := l.lock(t, "single")
	l.Converge(t)
	must(t, l.Kafka.DeleteTopic(t.Context(), topic), l.Kafka.CreateTopic(topic, 3, nil))
	l.Faulted(1)
	unlock()
	l.daemon.MustSay(t, harness.ExitPositionLost, topic, "deleted", "rdip offsets set", "--accept-cluster")
	l.accepted(t, "public.single")
	l.end(t)
}

// lock takes a table away from the writers, until unlock.
func (l *loaded) lock(t *testing.T, table string) (unlock func()) {
	t.Helper()
	conn, err := l.PG.Connect(t.Context(), l.Database)
	must(t, err)
	if _, err = conn.Exec(t.Context(), "BEGIN; LOCK TABLE "+table+" IN EXCLUSIVE MODE"); err != nil {
		_ = conn.Close(t.Context())
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		must(t, conn.Close(t.Context()))
	}
}

// accepted goes on with what is in place of the cluster or topic of before, and has tables read again.
func (l *loaded) accepted(t *testing.T, tables ...string) {
	t.Helper()
	l.Command(t, harness.ExitDone, "offsets", "set", "shop", "--accept-cluster", "--config", l.ConfigFile())
	l.daemon = l.Streaming(t)
	l.Command(t, harness.ExitDone, append([]string{"snapshot", "shop", "--wait", "--url", l.daemon.REST(t)}, tables...)...)
	l.goesOn(t, 500*time.Millisecond)
}

func meetsAnotherCluster(t *testing.T, mode harness.Mode) {
	r := mode.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t))
	r.CutOff = true
	l := load(t, r, "connectors.shop.provide.transaction.metadata", "false")
	l.goesOn(t, time.Second)
	if code := l.daemon.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	l.Faulted(1)
	first := l.Kafka.ID
	l.Kafka = testenv.Kafka(t, kafkaserver.Options{})
	l.Setup = l.With("bootstrap.servers", l.Kafka.Bootstrap())
	l.Start(t).MustSay(t, harness.ExitPositionLost, first, l.Kafka.ID, "rdip offsets set shop --accept-cluster")
	var all []string
	for _, table := range workload.Tables {
		all = append(all, "public."+table.Name)
	}
	l.accepted(t, all...)
	l.end(t)
}

func rightTakenAway(t *testing.T, mode harness.Mode) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Users: map[string]string{"rdip": "pw"}, ACLs: true})
	must(t, grantAll(kafka))
	r := mode.Run(t, testenv.SharedPostgres(t, 18), kafka)
	l := load(t, r, "bootstrap.servers", kafka.SASLBootstrap(), "security.protocol", "SASL_PLAINTEXT",
		"sasl.mechanism", "SCRAM-SHA-512", "sasl.username", "rdip", "sasl.password", "pw")
	l.goesOn(t, time.Second)
	topic := l.Prefix + ".public.single"
	denied := sarama.Acl{Principal: "User:rdip", Host: "*", Operation: sarama.AclOperationWrite, PermissionType: sarama.AclPermissionDeny}
	must(t, kafka.Administer(func(admin sarama.ClusterAdmin) error {
		return admin.CreateACLs([]*sarama.ResourceAcls{{Resource: literal(sarama.AclResourceTopic, topic), Acls: []*sarama.Acl{&denied}}})
	}))
	l.Faulted(1)
	l.daemon.MustSay(t, harness.ExitPreflight, "User:rdip", "--operation Write", topic)
	must(t, kafka.Administer(func(admin sarama.ClusterAdmin) error {
		_, err := admin.DeleteACL(sarama.AclFilter{ResourceType: sarama.AclResourceTopic, ResourceName: &topic, ResourcePatternTypeFilter: sarama.AclPatternLiteral,
			Operation: sarama.AclOperationWrite, PermissionType: sarama.AclPermissionDeny}, false)
		return err
	}))
	l.daemon = l.Streaming(t)
	l.goesOn(t, 500*time.Millisecond)
	l.end(t)
}

// grantAll lets the user rdip do what it likes with topics and transactional ids.
func grantAll(kafka *kafkaserver.Cluster) error {
	return kafka.Administer(func(admin sarama.ClusterAdmin) error {
		for _, kind := range []sarama.AclResourceType{sarama.AclResourceTopic, sarama.AclResourceTransactionalID} {
			allow := sarama.Acl{Principal: "User:rdip", Host: "*", Operation: sarama.AclOperationAll, PermissionType: sarama.AclPermissionAllow}
			if err := admin.CreateACLs([]*sarama.ResourceAcls{{Resource: literal(kind, "*"), Acls: []*sarama.Acl{&allow}}}); err != nil {
				return err
			}
		}
		return nil
	})
}

func literal(kind sarama.AclResourceType, name string) sarama.Resource {
	return sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: sarama.AclPatternLiteral}
}
