package kafka

import (
	"time"

	"github.com/IBM/sarama"
)

const (
	// maxRefusals is how often a batch may be refused by a broker that answers (too few replicas in sync, a
	// leader that died and is not yet replaced) before it fails and the task starts again from its durable
	// position; with backoff it is about 15 minutes. sarama keeps 32 bytes a partition for each.
	maxRefusals = 100
	// maxAbsences is how often all brokers may be found unreachable, or a partition without a leader, before
	// the same happens: with backoff about 24 hours. Until then the batch waits in its place, and Send
	// blocks (K1).
	maxAbsences = 17_280

	backoffLeast = 100 * time.Millisecond
	refusalMost  = 10 * time.Second
	absenceMost  = 5 * time.Second
)

// backoff doubles from backoffLeast up to most.
func backoff(attempt int, most time.Duration) time.Duration {
	d := backoffLeast << min(attempt, 16)
	return min(d, most)
}

// pauses is a BackoffFunc of sarama that itself waits, so that a stop ends the wait: sarama would sleep it out.
func pauses(most time.Duration, stopped <-chan struct{}) func(attempt, _ int) time.Duration {
	return func(attempt, _ int) time.Duration {
		t := time.NewTimer(backoff(attempt, most))
		defer t.Stop()
		select {
		case <-t.C:
		case <-stopped:
		}
		return 0
	}
}

// clientSettings is what every connection to the cluster has in common.
func (c *Config) clientSettings(d *dialer) (*sarama.Config, error) {
	s := sarama.NewConfig()
	s.ClientID = c.ClientID
	// The newest protocol that is used; with every broker the newest that it knows is negotiated, so that
	// older ones do too. 3.7 is what sarama needs for its newest Produce request; headers and idempotence
	// came with 0.11, zstd with 2.1, topic ids with 2.8.
	s.Version = sarama.V3_7_0_0
	s.ApiVersionsRequest = true
	s.Net.DialTimeout = d.timeout
	// A broker may use up request.timeout.ms before it answers; only then is it called dead.
	s.Net.ReadTimeout = c.Timeout + 5*time.Second
	s.Net.WriteTimeout = c.Timeout
	s.Net.Proxy.Enable, s.Net.Proxy.Dialer = true, d
	s.Metadata.Full = false
	s.Metadata.AllowAutoTopicCreation = false
	s.Metadata.SingleFlight = true
	s.Metadata.RefreshFrequency = 0
	return s, c.applySASL(s)
}

// producerSettings adds what keeps order and loses nothing:
//   - Idempotent, acks of all in-sync replicas, and one request a connection. In v1.61.1 a partition has one
//     batch in flight at a time (its "muter") and a batch is numbered when it is flushed, so that a retry
//     neither overtakes nor is overtaken (IBM/sarama #2619, #2860, #3354, #3422, #3644); earlier versions
//     did reorder. The non-idempotent producer is never used.
//   - Metadata in single flight: concurrent refreshes would make each other give up early.
//   - No metadata refresh in the background: one topic that was deleted would hold it, and every refresh
//     queues behind it. The producer watches its topics itself.
//   - No limit on sarama's retry buffer, which discards what is over it; Send bounds what sarama holds.
func (c *Config) producerSettings(d *dialer, largest int, stopped <-chan struct{}) (*sarama.Config, error) {
	s, err := c.clientSettings(d)
	if err != nil {
		return nil, err
	}
	s.Net.MaxOpenRequests = 1
	s.ChannelBufferSize = 64
	s.Metadata.Retry.Max = maxAbsences
	s.Metadata.Retry.BackoffFunc = pauses(absenceMost, stopped)
	p := &s.Producer
	p.Idempotent = true
	p.RequiredAcks = sarama.WaitForAll
	p.Timeout = c.Timeout
	p.MaxMessageBytes = largest
	p.Partitioner = sarama.NewManualPartitioner
	p.Return.Successes, p.Return.Errors = true, true
	p.Retry.Max = maxRefusals
	p.Retry.Backoff = backoffLeast
	p.Retry.BackoffFunc = pauses(refusalMost, stopped)
	p.Retry.MaxBufferLength, p.Retry.MaxBufferBytes = 0, 0
	p.Compression = codecs[c.Compression]
	if c.Linger > 0 { // without a timer sarama would hold a batch until it is full
		p.Flush.Frequency, p.Flush.Bytes = c.Linger, int(c.BatchBytes)
	}
	return s, s.Validate()
}

var codecs = map[Compression]sarama.CompressionCodec{
	None: sarama.CompressionNone, Gzip: sarama.CompressionGZIP, Snappy: sarama.CompressionSnappy,
	LZ4: sarama.CompressionLZ4, Zstd: sarama.CompressionZSTD,
}
