package postgres

import (
	"fmt"
	"strconv"
	"time"

	"rdip/configs"
	"rdip/internal/fault"
)

// Replication is what the slot and its stream can be told beyond their names.
type Replication struct {
	// Protocol is pgoutput's protocol version, "auto" for the lowest that has what was asked for.
	Protocol string
	// Streaming: large transactions are received while they are in progress.
	Streaming Streaming
	// SpillDir is the connector's own folder for them; whoever wires the connector fills it in.
	SpillDir    string
	SpillMemory int64 // bytes of them in memory
	SpillMax    int64 // bytes of them in files
	TwoPhase    bool  // prepared transactions are received at PREPARE, and delivered at COMMIT PREPARED
	Origins     OriginFilter
	Failover    bool   // the slot is synchronized to standbys (17 and later)
	Params      string // slot.stream.params
	Identities  string // replica.identity.autoset.values
	Mismatch    Mismatch
	// XminInterval is how often source.xmin is asked for; 0 for never.
	XminInterval time.Duration
	xmin         *xmin // shared by copies of the Config; nil without Definition
}

// Streaming is whether transactions are sent before they have ended.
type Streaming string

// The modes of streaming.
const (
	StreamingOff Streaming = "off"
	StreamingOn  Streaming = "on"
)

// OriginFilter is which transactions are sent, by where they were made first.
type OriginFilter string

// The values of origin, as pgoutput spells them.
const (
	OriginAny  OriginFilter = "any"
	OriginNone OriginFilter = "none"
)

// Mismatch is what a slot that was confirmed beyond the stored position means.
type Mismatch string

// The strategies of offset.mismatch.strategy, as Debezium names them.
const (
	TrustOffset  Mismatch = "trust_offset"
	TrustSlot    Mismatch = "trust_slot"
	TrustGreater Mismatch = "trust_greater_lsn"
)

func (c *Config) defineReplication(d *configs.Definition) {
	d.Group("Replication")
	c.xmin = &xmin{}
	configs.Enum(d, &c.Protocol, "protocol.version", "Version of pgoutput's protocol.", []configs.Choice{
		{Value: "auto", Doc: "the lowest that has what is asked for: 1, with `streaming` 2, with `two.phase` 3"},
		{Value: "1", Doc: "PostgreSQL 14 and later"}, {Value: "2", Doc: "14 and later"}, {Value: "3", Doc: "15 and later"}, {Value: "4", Doc: "16 and later"},
	}, configs.Default("auto"), configs.Rank(configs.Low))
	configs.Enum(d, &c.Streaming, "streaming", "What becomes of transactions above the server's logical_decoding_work_mem.", []configs.Choice{
		{Value: string(StreamingOff), Doc: "the server spills them to its disk and sends them once they are committed", Aliases: []string{"false"}},
		{Value: string(StreamingOn), Doc: "they are received while they are in progress, and kept here until they are committed", Aliases: []string{"true"}},
		{Value: "parallel", Refused: "transactions are delivered in the order of their commits", Instead: "streaming: on"},
	}, configs.Default(string(StreamingOff)))
	d.Bytes(&c.SpillMemory, "spill.memory.bytes", "How much of transactions that have not ended is kept in memory before it goes to files in `state.dir`. It is part of the connector's share of `memory.budget`, and at most a quarter of it.", configs.Default("1MiB"), configs.Between("0", "1GiB"), configs.Rank(configs.Low))
	d.Bytes(&c.SpillMax, "spill.max.bytes", "How large these files may become together. Beyond it the stream ends with an error that says so, and is tried again.", configs.Default("8GiB"), configs.Between("1MiB", ""))
	d.Bool(&c.TwoPhase, "two.phase", "Whether prepared transactions are received at PREPARE TRANSACTION, and kept until COMMIT PREPARED delivers them. While one is not decided the slot is held at its PREPARE. Without it they come whole at COMMIT PREPARED. PostgreSQL 15 and later; a slot that was used so stays so.", configs.Default("false"))
	configs.Enum(d, &c.Origins, "origin", "Which changes are captured, by their replication origin.", []configs.Choice{
		{Value: string(OriginAny), Doc: "all of them"},
		{Value: string(OriginNone), Doc: "those made on the server itself, not what it has as a subscriber of another (PostgreSQL 16 and later)"},
	}, configs.Default(string(OriginAny)))
	d.Bool(&c.Failover, "slot.failover", "Whether the slot is synchronized to standbys, so that the stream goes on after a failover. PostgreSQL 17 and later; docs/DELIVERY.md says what the servers need.", configs.Default("false"))
	d.String(&c.Params, "slot.stream.params", "Options of pgoutput as Debezium's key has them, `name=value` separated by semicolons: `proto_version`, `streaming`, `two_phase` and `origin`, in place of the keys above.", configs.Rank(configs.Low))
	d.String(&c.Identities, "replica.identity.autoset.values", "Replica identities to set at the start, `EXPRESSION:IDENTITY` separated by commas: an expression that must match the whole of `schema.table`, and DEFAULT, FULL, NOTHING or `INDEX name`. The role must own these tables.", configs.Check(checkIdentities))
	configs.Enum(d, &c.Mismatch, "offset.mismatch.strategy", "What becomes of a stored position that lies before what the slot was confirmed to.", []configs.Choice{
		{Value: string(TrustOffset), Doc: "the connector stops with the gap"},
		{Value: string(TrustSlot), Doc: "it goes on from the slot, the gap is missing, and a warning names it"},
		{Value: string(TrustGreater), Doc: "the same: what is newer of the two"},
		{Value: "no_validation", Refused: "it goes on over a gap without a word", Instead: "offset.mismatch.strategy: trust_offset"},
	}, configs.Default(string(TrustOffset)), configs.Rank(configs.Low))
	d.Duration(&c.XminInterval, "xmin.fetch.interval.ms", "How often the slot's catalog_xmin is asked for, which `source.xmin` then has; 0 for never.", configs.Default("0ms"), configs.Between("0ms", ""), configs.Rank(configs.Low))
}

// protocol is the version to ask for.
func (c *Config) protocol() int {
	if n, err := strconv.Atoi(c.Protocol); err == nil {
		return n
	}
	switch {
	case c.TwoPhase:
		return protocolTwoPhase
	case c.Streaming == StreamingOn:
		return protocolStreaming
	default:
		return 1
	}
}

// The protocol versions that brought something.
const (
	protocolStreaming = 2
	protocolTwoPhase  = 3
)

// Spills says whether transactions arrive before they have ended.
func (c *Config) Spills() bool { return c.TwoPhase || c.Streaming == StreamingOn }

// Reserved is how many bytes the reader keeps beside the rows that it hands over: buffers that grow are there twice.
func (c *Config) Reserved() int64 {
	if !c.Spills() {
		return 0
	}
	return 2 * c.SpillMemory
}

// checkReplication is what the keys say against each other. It is called after slot.stream.params was applied.
func (c *Config) checkReplication(add func(key, seen, need, fix string)) {
	if seen, need, fix := c.applyParams(); seen != "" {
		add("slot.stream.params", seen, need, fix)
	}
	if n := c.protocol(); c.Streaming == StreamingOn && n < protocolStreaming {
		add("protocol.version", fmt.Sprintf("%d, together with streaming: on", n), "version 2 or later", "protocol.version: auto")
	}
	if n := c.protocol(); c.TwoPhase && n < protocolTwoPhase {
		add("protocol.version", fmt.Sprintf("%d, together with two.phase: true", n), "version 3 or later", "protocol.version: auto")
	}
}

// replicationFindings is what the server's version cannot do of what was asked for.
func (c *Config) replicationFindings(s *server) []fault.Finding {
	var fs []fault.Finding
	for _, one := range []struct {
		asked bool
		since int
		key   string
		what  string
		fix   string
		id    string
	}{
		{c.TwoPhase, 15, "two.phase", "two-phase commit in pgoutput", "two.phase: false; prepared transactions then come at COMMIT PREPARED", "P37"},
		{c.Origins == OriginNone, 16, "origin", "pgoutput's option origin", "origin: any", ""},
		{c.Failover, 17, "slot.failover", "failover slots", "slot.failover: false", "P60"},
		// 17 does not synchronize from where on a slot has prepared transactions (two_phase_at), and refuses both from 17.5 on.
		{c.Failover && c.TwoPhase, 18, "slot.failover together with two.phase", "failover slots of two-phase commit", "two.phase: false; prepared transactions then come at COMMIT PREPARED", "P60"},
		{c.protocol() == 3, 15, "protocol.version", "version 3", "protocol.version: auto", ""},
		{c.protocol() == 4, 16, "protocol.version", "version 4", "protocol.version: auto", ""},
	} {
		if one.asked && s.major() < one.since {
			fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: one.key, Seen: "PostgreSQL " + s.Version,
				Need: fmt.Sprintf("PostgreSQL %d or later, which has %s", one.since, one.what), Fix: one.fix, Case: one.id})
		}
	}
	return fs
}
