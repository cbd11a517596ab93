package main

import (
	"context"
	"errors"
)

// run is one measurement of one candidate, from its start to its last row.
type run func(ctx context.Context) (sample, error)

// comparison is a candidate beside the tool that it is compared with.
type comparison struct {
	name      string
	title     string
	reference string  // the tool
	floor     float64 // the least ratio of the rates; 0: for information
	warm      bool    // one round of each goes first, unmeasured: Kafka's Java compiles itself meanwhile
	tool      func(*bench) run
	rdip      func(*bench) run
}

const (
	recvName = "`pg_recvlogical -f /dev/null`"
	copyName = "`psql -c 'COPY (select * from bench) TO STDOUT' >/dev/null`"
)

// comparisons are the cases that end in a ratio, in the order in which they are measured.
func comparisons() []comparison {
	recv := func(stream string) func(*bench) run {
		return func(b *bench) run { return b.receive(b.streams[stream]) }
	}
	toNull := func(stream string) func(*bench) run {
		return func(b *bench) run { return b.logToNull(b.streams[stream]) }
	}
	return []comparison{
		{name: "log", title: "log to Avro, null sink", reference: recvName, floor: 1.0, tool: recv(narrow), rdip: toNull(narrow)},
		{name: "kafka", title: "log to Apache Kafka", reference: recvName, floor: 0.5, warm: true, tool: recv(narrow),
			rdip: func(b *bench) run { return b.logToKafka(b.streams[narrow], false) }},
		{name: "exactly", title: "log to Apache Kafka, exactly once", reference: "rdip, at least once", warm: true,
			tool: func(b *bench) run { return b.logToKafka(b.streams[narrow], false) },
			rdip: func(b *bench) run { return b.logToKafka(b.streams[narrow], true) }},
		{name: "snapshot", title: "snapshot, null sink", reference: copyName, floor: 0.5, tool: (*bench).copyOut, rdip: (*bench).snapshotToNull},
		{name: "snapshot-kafka", title: "snapshot to Apache Kafka", reference: copyName, floor: 0.2, warm: true, tool: (*bench).copyOut, rdip: (*bench).snapshotToKafka},
		{name: "wide", title: "log of wide rows, FULL, null sink", reference: recvName, tool: recv(wide), rdip: toNull(wide)},
		{name: "single", title: "log, 1 row a transaction, null sink", reference: recvName, tool: recv(single), rdip: toNull(single)},
	}
}

const (
	latencyCase = "latency"
	memoryCase  = "memory"
)

func caseNames() []string {
	var names []string
	for _, c := range comparisons() {
		names = append(names, c.name)
	}
	return append(names, latencyCase, memoryCase)
}

// measure runs what the options ask for. With an error it gives what was measured before it, if anything.
func measure(ctx context.Context, o options) (*results, error) {
	b, err := newBench(ctx, o)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	r := &results{Options: o}
	err = b.all(ctx, r)
	return r, errors.Join(err, b.close())
}

func (b *bench) all(ctx context.Context, r *results) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	var err error
	if r.Conditions, err = b.conditions(ctx); err != nil {
		return err
	}
	if r.Noise, err = b.noise(ctx); err != nil {
		return err
	}
	for _, c := range comparisons() {
		if !b.options.wants(c.name) || b.options.Wide == 0 && (c.name == wide || c.name == single) {
			continue
		}
		compared, err := b.compare(ctx, c)
		if err != nil {
			return err
		}
		r.Compared = append(r.Compared, compared)
	}
	if b.options.wants(latencyCase) {
		if r.Latency, err = b.latency(ctx); err != nil {
			return err
		}
	}
	if b.options.wants(memoryCase) {
		r.Memory, err = b.memory(ctx)
	}
	return err
}

// noise measures the reference tool of the log against itself: what a ratio of 1 looks like on this machine.
func (b *bench) noise(ctx context.Context) (*compared, error) {
	if b.streams[narrow] == nil {
		return nil, nil
	}
	tool := func(b *bench) run { return b.receive(b.streams[narrow]) }
	c, err := b.compare(ctx, comparison{name: "noise", title: "the tool against itself", reference: recvName, tool: tool, rdip: tool})
	return &c, err
}

// compare measures both candidates in turn, as often as there are rounds.
func (b *bench) compare(ctx context.Context, c comparison) (compared, error) {
	out := compared{Name: c.name, Title: c.title, Reference: c.reference, Floor: c.floor}
	tool, rdip := c.tool(b), c.rdip(b)
	if c.warm {
		for _, one := range []run{tool, rdip} {
			if _, err := one(ctx); err != nil {
				return out, err
			}
		}
	}
	for round := range b.options.Rounds {
		for _, side := range []struct {
			what string
			run  run
			into *[]sample
		}{{"reference", tool, &out.Tool}, {"rdip", rdip, &out.Rdip}} {
			s, err := b.once(ctx, side.run)
			if err != nil {
				return out, err
			}
			say("%-14s round %d/%d %-9s %9.0f rows/s, %.2f s; %.0f%% busy before", c.name, round+1, b.options.Rounds, side.what, s.rate(), s.Seconds, s.BusyBefore)
			*side.into = append(*side.into, s)
		}
	}
	return out, nil
}

// once waits for a quiet machine and measures.
func (b *bench) once(ctx context.Context, one run) (sample, error) {
	busy, err := quiet(ctx, b.options.Quiet)
	if err != nil {
		return sample{}, err
	}
	s, err := one(ctx)
	s.BusyBefore = busy
	return s, err
}
