package kafka

import (
	"time"

	"github.com/IBM/sarama"
)

const (
	// maxRefusals is how often a record batch may be refused by a broker that answers (too few replicas in
	// sync, a leader that died and is not yet replaced) before it fails and the task starts again from its
	// durable position; with backoff it is about 15 minutes. Brokers that do not answer are waited for (K1).
	maxRefusals = 100

	backoffLeast = 100 * time.Millisecond
	refusalMost  = 10 * time.Second
	absenceMost  = 5 * time.Second
)

// backoff doubles from backoffLeast up to most.
func backoff(attempt int, most time.Duration) time.Duration {
	d := backoffLeast << min(attempt, 16)
	return min(d, most)
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

// producerSettings is for the connections that records go over: with one request at a time on each.
func (c *Config) producerSettings() (*dialer, *sarama.Config, error) {
	t, err := c.tlsConfig()
	if err != nil {
		return nil, nil, err
	}
	d := newDialer(t)
	s, err := c.clientSettings(d)
	if err != nil {
		return nil, nil, err
	}
	s.Net.MaxOpenRequests = 1
	return d, s, s.Validate()
}

var codecs = map[Compression]sarama.CompressionCodec{
	None: sarama.CompressionNone, Gzip: sarama.CompressionGZIP, Snappy: sarama.CompressionSnappy,
	LZ4: sarama.CompressionLZ4, Zstd: sarama.CompressionZSTD,
}
