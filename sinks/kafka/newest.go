package kafka

import (
	"maps"
	"slices"

	"rdip/sinks"
)

// newest is the newest record of each key of a topic. A topic that was given more partitions has a key in several: what
// was written before stays where it was (K9). What is in the partition to which the key belongs now is newer than what is
// elsewhere, and of others the later by its time. A tombstone counts as a value does.
type newest struct {
	partitions int32
	found      map[string]sinks.Record // a nil Value: the key is gone
	strays     map[string][]int32      // partitions that have a value of a key which belongs elsewhere
}

func newNewest(partitions int32) *newest {
	return &newest{partitions: partitions, found: map[string]sinks.Record{}, strays: map[string][]int32{}}
}

// add takes a record, which it keeps. Those of one partition come in their order.
func (n *newest) add(r sinks.Record) {
	key := string(r.Key)
	belongs := Partition(r.Key, n.partitions)
	if r.Partition != belongs {
		others := slices.DeleteFunc(n.strays[key], func(p int32) bool { return p == r.Partition })
		if r.Value != nil {
			others = append(others, r.Partition)
		}
		n.strays[key] = others
	}
	was, ok := n.found[key]
	switch {
	case !ok, r.Partition == was.Partition, r.Partition == belongs:
	case was.Partition == belongs, r.Micros < was.Micros:
		return
	}
	n.found[key] = r
}

// records are those that have a value, by key.
func (n *newest) records() []sinks.Record {
	var all []sinks.Record
	for _, key := range slices.Sorted(maps.Keys(n.found)) {
		if r := n.found[key]; r.Value != nil {
			all = append(all, r)
		}
	}
	return all
}

// withStrays adds tombstones for what is elsewhere of the keys that are written: it would count again once compaction has
// removed the tombstone of one that is gone.
func (p *Producer) withStrays(positions []sinks.Record) []sinks.Record {
	all := slices.Clip(positions) // the caller's stay as they are
	for i := range positions {
		r := &positions[i]
		for _, partition := range p.strays[string(r.Key)] {
			all = append(all, sinks.Record{Topic: r.Topic, Partition: partition, Key: r.Key, Micros: r.Micros})
		}
		delete(p.strays, string(r.Key))
	}
	return all
}
