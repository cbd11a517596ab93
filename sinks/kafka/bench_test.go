package kafka_test

import (
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"rdip/sinks"
	"rdip/sinks/kafka"
)

// BenchmarkProducer sends records of 200 bytes, 500 a batch, 3 partitions, to a broker that drops them. A
// broker on the same machine takes a part of its cores.
func BenchmarkProducer(b *testing.B) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BlackholeProduce())
	if err != nil {
		b.Fatal(err)
	}
	defer cluster.Close()
	free := make(chan *sinks.Batch, 16)
	var all sync.WaitGroup
	p, err := kafka.New(kafka.NewConfig(cluster.ListenAddrs()[0]), partitions(3), func(batch *sinks.Batch, err error) {
		if err != nil {
			b.Error(err)
		}
		free <- batch
		all.Done()
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close(b.Context())
	topic, err := p.Prepare(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	for range cap(free) {
		free <- benchBatch(topic, 500)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += 500 {
		all.Add(1)
		if err := p.Send(b.Context(), <-free); err != nil {
			b.Fatal(err)
		}
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func benchBatch(topic sinks.Topic, n int) *sinks.Batch {
	batch := &sinks.Batch{Arena: make([]byte, n*200)}
	for i := range n {
		record := batch.Arena[i*200 : (i+1)*200]
		record[0], record[1] = byte(i), byte(i>>8)
		batch.Records = append(batch.Records, sinks.Record{Topic: topic.Name, Partition: topic.Partition(record[:2]),
			Key: record[:10], Value: record[10:], Micros: time.Now().UnixMicro()})
	}
	return batch
}
