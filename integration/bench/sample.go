package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"rdip/integration/usage"
)

// sample is one measurement. CPU times are in seconds, of the whole run.
type sample struct {
	Rows       int64
	Seconds    float64 // from the start of the process to its last row
	ClientCPU  float64 // of rdip, or of the tool
	SourceCPU  float64 // of PostgreSQL, every process of it
	KafkaCPU   float64 // 0 where Kafka has no part
	Peak       int64   // most bytes resident of rdip; 0 for a tool
	Bytes      int64   // of the log that was read, or of the table
	AvroBytes  int64   // of keys and values, with the null sink
	BusyBefore float64 // percent of the machine, just before
}

func (s sample) rate() float64 { return float64(s.Rows) / s.Seconds }

// median is the middle of what the samples say, or the mean of the two in the middle.
func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	return middle(values)
}

func middle(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	if n == 0 {
		return 0
	}
	return (values[(n-1)/2] + values[n/2]) / 2
}

// perMillion scales seconds of CPU to a million rows.
func perMillion(cpu func(sample) float64) func(sample) float64 {
	return func(s sample) float64 { return cpu(s) * 1e6 / float64(s.Rows) }
}

// meter sums up what servers and clients spend between its making and its reading.
type meter struct {
	bench           *bench
	began           time.Time
	source, kafka   time.Duration
	waited          time.Duration // of clients that have ended
	kafkaHasAPart   bool
	sourceBytes     int64
	rowsToBeCounted int64
}

func (b *bench) meter(rows, bytes int64, withKafka bool) (*meter, error) {
	m := &meter{bench: b, rowsToBeCounted: rows, sourceBytes: bytes, kafkaHasAPart: withKafka, waited: ended()}
	var err error
	if m.source, err = usage.Family(b.postmaster); err != nil {
		return nil, err
	}
	if withKafka {
		if m.kafka, err = usage.CPU(b.broker); err != nil {
			return nil, err
		}
	}
	m.began = time.Now()
	return m, nil
}

// read is the sample up to end, the client's own part left out.
func (m *meter) read(end time.Time) (sample, error) {
	s := sample{Rows: m.rowsToBeCounted, Bytes: m.sourceBytes, Seconds: end.Sub(m.began).Seconds()}
	source, err := usage.Family(m.bench.postmaster)
	if err != nil {
		return s, err
	}
	s.SourceCPU = (source - m.source).Seconds()
	if m.kafkaHasAPart {
		kafka, err := usage.CPU(m.bench.broker)
		if err != nil {
			return s, err
		}
		s.KafkaCPU = (kafka - m.kafka).Seconds()
	}
	return s, nil
}

// readEnded is the sample of a client that has just ended.
func (m *meter) readEnded(end time.Time) (sample, error) {
	s, err := m.read(end)
	s.ClientCPU = (ended() - m.waited).Seconds()
	return s, err
}

// readRunning is the sample of a client that has done its work and still runs.
func (m *meter) readRunning(end time.Time, pid int) (sample, error) {
	s, err := m.read(end)
	if err != nil {
		return s, err
	}
	cpu, err := usage.CPU(pid)
	if err != nil {
		return s, err
	}
	s.ClientCPU = cpu.Seconds()
	s.Peak, err = usage.Peak(pid)
	return s, err
}

// ended is the CPU time of this process's children that have ended.
func ended() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const (
	quietPercent = 15 // of all cores: up to it the machine counts as quiet
	quietWindow  = 2 * time.Second
)

// quiet waits until the machine is quiet, or for patience, and says how busy it was in the last window, in
// percent of all its cores.
func quiet(ctx context.Context, patience time.Duration) (float64, error) {
	for began := time.Now(); ; {
		before, err := usage.Busy()
		if err != nil {
			return 0, err
		}
		window := min(quietWindow, max(patience, 200*time.Millisecond))
		if err := sleep(ctx, window); err != nil {
			return 0, err
		}
		after, err := usage.Busy()
		if err != nil {
			return 0, err
		}
		busy := 100 * (after - before).Seconds() / window.Seconds() / float64(runtime.NumCPU())
		if busy <= quietPercent || time.Since(began) >= patience {
			return busy, nil
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
}
