package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

// fault turns an error of sarama into one that says what to do. Refusals that repeat for as long as the
// cluster stays as it is are permanent; what may pass (a broker away, too few replicas) is not.
func (c *cluster) fault(op, topic string, err error) error {
	var ours *fault.Error
	if err == nil || errors.As(err, &ours) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &fault.Error{Op: op, Cause: err}
	if topic != "" {
		e.Object = fmt.Sprintf("topic %q", topic)
	}
	if c.refusal(e, topic, err) {
		e.Kind, e.Permanent = fault.Preflight, true
		return e
	}
	c.absence(e, err)
	return e
}

// refusal fills in what Kafka refused for good.
func (c *cluster) refusal(e *fault.Error, topic string, err error) bool {
	is := func(k sarama.KError) bool { return errors.Is(err, k) }
	var unknownCA x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var badCert x509.CertificateInvalidError
	var noTLS tls.RecordHeaderError
	switch {
	case is(sarama.ErrTopicAuthorizationFailed):
		e.Cause, e.Hint = fmt.Errorf("%s may not: %w", c.config.principal(), err), c.aclHint("Describe --operation Write", topic)
	case is(sarama.ErrClusterAuthorizationFailed):
		e.Cause = fmt.Errorf("%s may not: %w", c.config.principal(), err)
		e.Hint = c.aclHint("Write", topic) + "; brokers before 2.8: --operation IdempotentWrite --cluster"
	case is(sarama.ErrMessageSizeTooLarge):
		e.Hint = c.sizeHint(topic, 0)
	case is(sarama.ErrInvalidRecord):
		e.Cause = fmt.Errorf("the broker refused a record, as it does with a null key where cleanup.policy is compact: %w", err)
		e.Hint = c.policyHint(topic)
	case is(sarama.ErrInvalidTopic):
		e.Hint = "choose another topic.prefix or route the table to another topic"
	case is(sarama.ErrInvalidPartitions):
		e.Hint = "topic.creation.default.partitions: 1"
	case is(sarama.ErrInvalidReplicationFactor):
		e.Hint = "set " + cmp.Or(c.creation.of(topic).ReplicationKey, "topic.creation.default.replication.factor") + " to at most the number of brokers"
	case is(sarama.ErrInvalidConfig), is(sarama.ErrPolicyViolation):
		e.Hint = "change the topic.creation.default keys to what the brokers allow"
	case is(sarama.ErrUnsupportedVersion):
		e.Hint = "use Kafka 2.8 or newer"
	case is(sarama.ErrSASLAuthenticationFailed):
		e.Cause = fmt.Errorf("Kafka refused user %q: %w", strings.TrimPrefix(c.config.principal(), "User:"), err)
		e.Hint = "correct sasl.username and sasl.password, or make the user: kafka-configs.sh --bootstrap-server " + c.config.bootstrap() +
			" --alter --add-config 'SCRAM-SHA-512=[password=...]' --entity-type users --entity-name USER"
	case is(sarama.ErrUnsupportedSASLMechanism):
		e.Hint = "set sasl.mechanism to one that the listener has in sasl.enabled.mechanisms"
	case errors.As(err, &unknownCA):
		e.Hint = "name the authority that signed the brokers' certificates in ssl.ca.location"
	case errors.As(err, &wrongName):
		e.Hint = "use the name that the certificate has in bootstrap.servers and advertised.listeners, or ssl.endpoint.identification.algorithm: none"
	case errors.As(err, &badCert):
		e.Hint = "renew the broker's certificate"
	case errors.As(err, &noTLS):
		e.Hint = "the listener does not speak TLS: set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or use the TLS listener's port"
	default:
		return false
	}
	return true
}

// isRefusal says whether an error is one that Kafka, or its certificate, gives as long as things are as they are.
func (c *cluster) isRefusal(err error) bool { return c.refusal(&fault.Error{}, "", err) }

// absence fills in what may pass by itself.
func (c *cluster) absence(e *fault.Error, err error) {
	var dial *net.OpError
	switch {
	case errors.Is(err, sarama.ErrNotEnoughReplicas), errors.Is(err, sarama.ErrNotEnoughReplicasAfterAppend):
		e.Hint = "bring the brokers back, or lower the topic's min.insync.replicas"
	case errors.Is(err, sarama.ErrInvalidTimestamp): // D3: records have the time at which they are written
		e.Hint = "set this machine's clock: the topic takes records at most message.timestamp.after.max.ms ahead of the broker's, and before.max.ms behind it"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, sarama.ErrNotConnected):
		e.Hint = "the broker closed the connection: look whether the port belongs to a listener with " + string(c.config.protocol()) + ", and into the broker's log"
	case errors.Is(err, syscall.ECONNREFUSED), isTimeout(err), errors.Is(err, sarama.ErrOutOfBrokers), errors.As(err, &dial) && dial.Op == "dial":
		e.Hint = "look whether the brokers run and bootstrap.servers names them"
	}
}

// aclHint is the command that grants an operation on a topic.
func (c *cluster) aclHint(operation, topic string) string {
	return fmt.Sprintf("kafka-acls.sh --bootstrap-server %s --add --allow-principal %s --operation %s --topic %s",
		c.config.bootstrap(), shell(c.config.principal()), operation, topic)
}

func (c *cluster) sizeHint(topic string, need int) string {
	size := "BYTES"
	if need > 0 {
		size = fmt.Sprint(need)
	}
	hint := fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config max.message.bytes=%s, then restart the connector",
		c.config.bootstrap(), topic, size)
	if c.config.MaxRequest > 0 {
		hint += "; max.request.size in the configuration bounds it too"
	}
	return hint
}

func (c *cluster) policyHint(topic string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config cleanup.policy=delete, or give the table a key",
		c.config.bootstrap(), topic)
}

// shell quotes a word for the shell where it must be.
func shell(s string) string {
	if strings.ContainsAny(s, " \"'$\\*;&|<>()=,") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// keyHash stands for a key where the key itself must not be shown: FNV-1a, 64 bits.
func keyHash(key []byte) string {
	if key == nil {
		return "none"
	}
	h := fnv.New64a()
	_, _ = h.Write(key)
	return fmt.Sprintf("%016x", h.Sum64())
}

// sizeError is a record that is too large. Its key is shown as a hash only.
type sizeError struct {
	keyHash     string
	size, limit int
}

func (e *sizeError) Error() string {
	return fmt.Sprintf("the record with key hash %s has %d bytes before compression, and the limit is %d", e.keyHash, e.size, e.limit)
}

// TooLarge is the record's size.
func (e *sizeError) TooLarge() int64 { return int64(e.size) }

// tooLarge is K4.
func (c *cluster) tooLarge(topic string, key []byte, size, limit, brokerLimit int) error {
	e := &fault.Error{Op: "send a record to", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: &sizeError{keyHash(key), size, limit}}
	if limit < brokerLimit-batchOverhead {
		e.Hint = fmt.Sprintf("max.request.size: %d (the topic's own max.message.bytes is %d)", size, brokerLimit)
		if size > largestRecord {
			e.Hint += fmt.Sprintf(", with socket.request.max.bytes=%d or more in the brokers' server.properties", size+size/16)
		}
	} else {
		e.Hint = c.sizeHint(topic, size+batchOverhead)
	}
	return e
}

// shrunk is a batch that the topic took when it was prepared and does not take now. A new start reads the
// topic's limit again and makes smaller batches; a record that is too large by itself is then K4.
func (c *cluster) shrunk(topic string, limit int) error {
	return &fault.Error{Op: "send records to", Object: fmt.Sprintf("topic %q", topic), Hint: c.sizeHint(topic, limit),
		Cause: fmt.Errorf("the topic takes less than the %d bytes (max.message.bytes) that it took at the start", limit)}
}

// nullKey is K10 at the moment it happens.
func (c *cluster) nullKey(topic string) error {
	return &fault.Error{Op: "send a record to", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: errors.New("the record has no key and the topic's cleanup.policy is compact, which takes only records with one"),
		Hint:  c.policyHint(topic)}
}

// missing is K5.
func (c *cluster) missing(topic string) error {
	return &fault.Error{Kind: fault.Preflight, Op: "find", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: errors.New("it does not exist, and topic.creation.enable is false"), Hint: c.createCommand(topic) + ", or topic.creation.enable: true"}
}

func (c *cluster) createCommand(topic string) string {
	creation := c.creation.of(topic)
	command := fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions %d", c.config.bootstrap(), topic, creation.Partitions)
	if creation.Replication > 0 {
		command += fmt.Sprintf(" --replication-factor %d", creation.Replication)
	}
	for _, s := range creation.settings() {
		command += " --config " + shell(s)
	}
	return command
}
