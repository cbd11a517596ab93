package consume

import (
	"errors"
	"time"

	"github.com/IBM/sarama"

	"rdip/envelope/decode"
)

// quietEnd ends a partition that was not read to its last offset: what is left is then a transaction's
// marker, or records that were aborted, compacted away or are not committed yet. Such offsets never arrive.
const quietEnd = 3 * time.Second

// partition is one partition that is read.
type partition struct {
	consumer *Consumer
	topic    string
	number   int32
	source   sarama.PartitionConsumer
	next     int64 // the offset that is expected
	end      int64 // where to stop, where the consumer does not follow
}

func (p *partition) open(first int64) error {
	c := p.consumer
	var err error
	if !c.options.Follow {
		if p.end, err = c.client.GetOffset(p.topic, p.number, sarama.OffsetNewest); err != nil {
			return err
		}
	}
	if p.next, err = c.client.GetOffset(p.topic, p.number, first); err != nil {
		return err
	}
	if c.options.At == nil {
		p.source, err = c.source.ConsumePartition(p.topic, p.number, p.next)
		return err
	}
	oldest, err := c.client.GetOffset(p.topic, p.number, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	p.next = c.options.At(p.topic, p.number, p.next)
	return p.resume(oldest)
}

// read passes records on until the consumer stops, or the end is reached and it does not follow.
func (p *partition) read() {
	defer p.consumer.reading.Done()
	defer func() { p.close() }()
	quiet := time.NewTicker(quietEnd)
	defer quiet.Stop()
	for p.consumer.options.Follow || p.next < p.end {
		select {
		case m, ok := <-p.source.Messages():
			if !ok && !p.reopen() {
				return
			}
			if ok && !p.pass(m) {
				return
			}
			quiet.Reset(quietEnd)
		case e, ok := <-p.source.Errors():
			if ok && !p.survive(e.Err) {
				return
			}
		case <-quiet.C:
			if !p.consumer.options.Follow && p.source.HighWaterMarkOffset() > 0 {
				return
			}
		case <-p.consumer.stop.Done():
			return
		}
	}
}

// close ends sarama's own goroutines. What was fetched and not passed on is let go.
func (p *partition) close() {
	if p.source != nil {
		_ = p.source.Close() // its errors were passed on, or came of closing
	}
}

func (p *partition) pass(m *sarama.ConsumerMessage) bool {
	r := Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Time: m.Timestamp, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, decode.Header{Key: string(h.Key), Value: h.Value})
	}
	select {
	case p.consumer.records <- r:
		p.next = m.Offset + 1
		return true
	case <-p.consumer.stop.Done():
		return false
	}
}

// survive says whether reading goes on after an error: sarama tries again what may pass.
func (p *partition) survive(err error) bool {
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) {
		p.consumer.cancel(p.consumer.config.ReadFault("read", p.topic, err))
		return false
	}
	if !errors.Is(err, sarama.ErrOffsetOutOfRange) {
		p.consumer.notice("read", p.topic, err)
	}
	return true
}

// reopen goes on at what is left after sarama gave the partition up, as it does when retention has removed
// what was to come next.
func (p *partition) reopen() bool {
	c := p.consumer
	p.close()
	p.source = nil
	oldest, err := c.client.GetOffset(p.topic, p.number, sarama.OffsetOldest)
	if err == nil {
		err = p.resume(oldest)
	}
	if err != nil && c.stop.Err() == nil {
		c.cancel(c.config.ReadFault("read", p.topic, err))
	}
	return err == nil
}

// resume goes on where it was, if that is still there, else at the oldest record: retention has removed what
// came before it, or the topic was made anew.
func (p *partition) resume(oldest int64) error {
	newest, err := p.consumer.client.GetOffset(p.topic, p.number, sarama.OffsetNewest)
	if err != nil {
		return err
	}
	if p.next < oldest || p.next > newest {
		p.next = oldest
	}
	p.source, err = p.consumer.source.ConsumePartition(p.topic, p.number, p.next)
	return err
}
