package kafka

import (
	"context"
	"errors"
	"sync"

	"github.com/IBM/sarama"
)

// maxSequence is how many records one producer id sends at most. Sequence numbers are 31 bits and start again
// at 0; sarama v1.61.1 lets them go on below zero (transactionManager.getAndAddSequenceNumbers), which
// brokers refuse. A new producer id begins at 0.
const maxSequence = 1<<31 - 1<<24

// pipeline is one sarama producer. sarama has one limit on record and batch size, so that topics with
// different limits need one each; nearly always there is one. feed and rotate belong to one goroutine.
type pipeline struct {
	largest  int // bytes of a record
	dialer   *dialer
	client   sarama.Client
	async    sarama.AsyncProducer
	receive  func(sarama.AsyncProducer, *sync.WaitGroup)
	receiver sync.WaitGroup
	sent     int64 // records, by the present producer id
}

// openPipeline connects and gets a producer id. receive starts the goroutines that take what async reports.
func openPipeline(ctx context.Context, c *Config, largest int, stopped <-chan struct{}, receive func(sarama.AsyncProducer, *sync.WaitGroup)) (*pipeline, error) {
	t, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	p := &pipeline{largest: largest, dialer: newDialer(t), receive: receive}
	settings, err := c.producerSettings(p.dialer, largest, stopped)
	if err != nil {
		return nil, err
	}
	if p.client, err = sarama.NewClient(c.Brokers, settings); err != nil {
		return nil, err
	}
	end := context.AfterFunc(ctx, p.dialer.close)
	err = p.start()
	if !end() && err == nil {
		p.close()
		return nil, ctx.Err()
	}
	if err != nil {
		p.dialer.close()
		return nil, errors.Join(ctx.Err(), err, p.client.Close())
	}
	return p, nil
}

func (p *pipeline) start() error {
	async, err := sarama.NewAsyncProducerFromClient(p.client)
	if err != nil {
		return err
	}
	p.async, p.sent = async, 0
	p.receive(async, &p.receiver)
	return nil
}

// rotate waits until everything is reported and goes on with a new producer id.
func (p *pipeline) rotate() error {
	p.async.AsyncClose()
	p.receiver.Wait()
	return p.start()
}

// close ends the pipeline when everything is reported.
func (p *pipeline) close() {
	p.async.AsyncClose()
	p.receiver.Wait()
	_ = p.client.Close()
	p.dialer.close()
}

// cut makes sarama report everything that it holds, without a word from the brokers.
func (p *pipeline) cut() {
	p.dialer.close()
	_ = p.client.Close()
}
