package kafka_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"rdip/configs"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

// strict is a cluster with ACLs, short transactions, and a compaction that does not wait.
func strict(t *testing.T) *kafkaserver.Cluster {
	return testenv.Kafka(t, kafkaserver.Options{Users: map[string]string{"rdip": "pw"}, ACLs: true, Properties: map[string]string{
		"transaction.max.timeout.ms": "60000", "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200", "log.cleaner.backoff.ms": "200"}})
}

func TestTransactionsOnAStrictCluster(t *testing.T) {
	c := strict(t)
	t.Run("a transactional id takes an ACL, which each mode names in its way", func(t *testing.T) { theACLOfAnID(t, c) })                         // K6, K12
	t.Run("a timeout that the brokers do not allow is named", func(t *testing.T) { aTimeoutThatIsTooLong(t, c) })                                 // K7
	t.Run("a transaction that the brokers gave up for its age says so, and nothing of it is seen", func(t *testing.T) { anOldTransaction(t, c) }) // K7
	t.Run("positions are found behind what compaction left empty", func(t *testing.T) { positionsBehindEmptyBatches(t, c) })
}

func logged(id string, c *kafkaserver.Cluster) kafka.Config {
	config := transactional(id, c.SASLBootstrap())
	config.Protocol, config.Mechanism, config.User, config.Timeout = kafka.SASLPlaintext, kafka.ScramSHA512, "rdip", 10*time.Second
	config.Password = configs.NewSecret("pw")
	config.Transactions.Timeout = time.Minute
	return config
}

func grant(t *testing.T, c *kafkaserver.Cluster, kind sarama.AclResourceType, name string, operations ...sarama.AclOperation) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{c.Bootstrap()}, kafkaserver.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for _, op := range operations {
		allow := &sarama.Acl{Principal: "User:rdip", Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow}
		of := sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: sarama.AclPatternLiteral}
		if err := admin.CreateACLs([]*sarama.ResourceAcls{{Resource: of, Acls: []*sarama.Acl{allow}}}); err != nil {
			t.Fatal(err)
		}
	}
}

func theACLOfAnID(t *testing.T, c *kafkaserver.Cluster) {
	const fix = "--operation Describe --operation Write --transactional-id acl"
	config := logged("acl", c)
	for _, name := range []string{"t", config.Transactions.Positions.Name} {
		grant(t, c, sarama.AclResourceTopic, name, sarama.AclOperationWrite, sarama.AclOperationDescribe, sarama.AclOperationCreate, sarama.AclOperationDescribeConfigs)
	}
	var notices []fault.Finding
	once := config
	once.Transactions.Required = false
	l := sinktest.NewLedger()
	p, err := kafka.New(once, partitions(1), l.Ack, func(f fault.Finding) { notices = append(notices, f) })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(soon(t))
	if found := p.Check(soon(t), []string{"t"}); !slices.ContainsFunc(found, func(f fault.Finding) bool {
		return f.Case == "K12" && f.Severity == fault.Warning && strings.Contains(f.Fix, fix)
	}) {
		t.Errorf("at least once a check finds %v", found)
	}
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	if len(notices) != 1 || notices[0].Case != "K12" || !strings.Contains(notices[0].Fix, fix) {
		t.Errorf("at least once it is told %v", notices)
	}
	sendAll(t, p, l, "t", "with a plain id")

	exactly := open(t, config, partitions(1), l.Ack)
	if found := exactly.Check(soon(t), []string{"t"}); !slices.ContainsFunc(found, func(f fault.Finding) bool {
		return f.Case == "K6" && f.Severity == fault.Fatal && strings.Contains(f.Fix, fix)
	}) {
		t.Errorf("exactly once a check finds %v", found)
	}
	if _, _, err := exactly.Positions(soon(t), nil); !fault.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), fix) {
		t.Errorf("exactly once it fails with %v", err)
	}

	grant(t, c, sarama.AclResourceTransactionalID, "acl", sarama.AclOperationWrite, sarama.AclOperationDescribe)
	granted := open(t, config, partitions(1), l.Ack)
	if _, _, err := granted.Positions(soon(t), func([]byte) bool { return true }); !fault.IsPermanent(err) ||
		!strings.Contains(fmt.Sprint(err), "--operation Read --topic "+config.Transactions.Positions.Name) {
		t.Errorf("without Read on the topic of positions it fails with %v", err)
	}
	if found := fault.Findings(granted.Check(soon(t), []string{"t"})); found.Err() == nil || !strings.Contains(found.Error(), "no Read on it") {
		t.Errorf("without Read on the topic of positions a check finds %v", found)
	}
	grant(t, c, sarama.AclResourceTopic, config.Transactions.Positions.Name, sarama.AclOperationRead)
	if found := fault.Findings(granted.Check(soon(t), []string{"t"})); found.Err() != nil {
		t.Errorf("with every grant a check finds %v", found)
	}
	running := begin(t, config, l)
	if _, err := running.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	before, _ := l.Reported()
	if err := running.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Key: []byte("k"), Value: []byte("in a transaction")})); err != nil {
		t.Fatal(err)
	}
	l.Await(t, before+1)
	_ = granted.Check(soon(t), nil) // which must not fence what runs
	mustCommit(t, running)
}

func aTimeoutThatIsTooLong(t *testing.T, c *kafkaserver.Cluster) {
	config := transactional(testenv.Name("id"), c.Bootstrap()) // 15 minutes
	p := open(t, config, partitions(1), sinktest.NewLedger().Ack)
	_, _, err := p.Positions(soon(t), nil)
	for what, said := range map[string]string{"a start": fmt.Sprint(err), "a check": fault.Findings(p.Check(soon(t), nil)).Error()} {
		if !strings.Contains(said, "transaction.timeout.ms is 900000") || !strings.Contains(said, "transaction.max.timeout.ms") {
			t.Errorf("%s says %s", what, said)
		}
	}
	if !fault.IsPermanent(err) {
		t.Errorf("it is tried again: %v", err)
	}
	config.Transactions.Required = false
	if _, err := open(t, config, partitions(1), sinktest.NewLedger().Ack).Prepare(soon(t), testenv.Name("topic")); err != nil {
		t.Errorf("at least once the timeout means nothing: %v", err)
	}
}

func anOldTransaction(t *testing.T, c *kafkaserver.Cluster) {
	config, topic, l := transactional(testenv.Name("id"), c.Bootstrap()), testenv.Name("topic"), sinktest.NewLedger()
	config.Transactions.Timeout = time.Second
	p := begin(t, config, l)
	if _, err := p.Prepare(soon(t), topic); err != nil {
		t.Fatal(err)
	}
	sendAll(t, p, l, topic, "1")
	time.Sleep(2 * time.Second) // what the brokers go by is their clock
	err := p.Send(soon(t), l.Batch(sinks.Record{Topic: topic, Key: []byte("k"), Value: []byte("2")}))
	if err == nil {
		await(t, "it is reported", func() bool { n, _ := l.Reported(); return n == 2 })
		_, failures := l.Reported()
		if len(failures) == 1 {
			err = failures[0]
		}
	}
	if !fault.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "transaction.timeout.ms: 2000, with transaction.max.timeout.ms=2000 or more") {
		t.Errorf("it failed with %v", err)
	}
	_ = p.Close(soon(t))
	if got := sinktest.ReadCommitted(c.Bootstrap())(t, topic, 0); len(got) != 0 {
		t.Errorf("%d records of it are committed", len(got))
	}
}

// positionsBehindEmptyBatches has a segment that holds nothing but a batch without records: a producer's last one,
// whose key others have written since.
func positionsBehindEmptyBatches(t *testing.T, c *kafkaserver.Cluster) {
	id := testenv.Name("id")
	config := transactional(id, c.Bootstrap())
	config.Transactions.Timeout = time.Minute
	name := config.Transactions.Positions.Name
	if err := c.CreateTopic(name, 1, map[string]string{"cleanup.policy": "compact", "segment.bytes": "1048576", "segment.ms": "500",
		"min.cleanable.dirty.ratio": "0.0", "delete.retention.ms": "0", "max.compaction.lag.ms": "500"}); err != nil {
		t.Fatal(err)
	}
	other := config
	other.Transactions.ID = id + "-other"
	l := sinktest.NewLedger()
	position := func(value string) sinks.Record {
		return sinks.Record{Topic: name, Key: []byte("shop"), Value: []byte(value), Micros: time.Now().UnixMicro()}
	}
	before := begin(t, other, l) // its last batch is what stays behind, empty
	mustCommit(t, before, position("old"))
	p := begin(t, config, l)
	var offset int64
	await(t, "a segment that begins with an empty batch", func() bool {
		mustCommit(t, p, position("new"))
		var empty bool
		offset, empty = firstFetch(t, c, name)
		return empty
	})
	t.Logf("the batches up to offset %d are empty", offset)
	for _, size := range []int32{smallFetch, 100, 1 << 20} {
		if found, err := p.ReadPositions(soon(t), size, func([]byte) bool { return true }); err != nil || len(found) != 1 || string(found[0].Value) != "new" {
			t.Errorf("with fetches of %d bytes found %v, %v", size, found, err)
		}
	}
}

// smallFetch is a batch without records, and a byte of what is behind it: as if the segment ended there.
const smallFetch = 62

// firstFetch says whether what such a fetch from the begin gives has no records.
func firstFetch(t *testing.T, c *kafkaserver.Cluster, topic string) (next int64, isEmpty bool) {
	t.Helper()
	b := sarama.NewBroker(c.Bootstrap())
	if err := b.Open(kafkaserver.ClientConfig()); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	q := &sarama.FetchRequest{Version: 11, MaxWaitTime: 10, MinBytes: 1, MaxBytes: smallFetch, SessionEpoch: -1}
	q.AddBlock(topic, 0, 0, smallFetch, -1)
	answer, err := b.Fetch(q)
	if err != nil {
		t.Fatal(err)
	}
	block := answer.GetBlock(topic, 0)
	next, err = kafka.BehindEmpty(block)
	if err != nil {
		t.Fatal(err)
	}
	return next, block.Err == sarama.ErrNoError && len(block.RecordsSet) == 0 && next > 0
}
