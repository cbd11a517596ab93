package routing

import "slices"

// Chain is a connector's transforms, in their order. The nil Chain changes nothing.
//
// Connect's single message transforms are Java classes that each record passes one after the other. Those that
// are known here are compiled into how a table's records are made: what a table becomes is decided once a
// layout, by its topic, and not once a record.
type Chain struct {
	steps []step
}

// step is one transform: what it does, and for which topics. One of its parts is set.
type step struct {
	name   string
	only   *predicate // nil: for all
	negate bool

	flat   *FlatOptions
	outbox *OutboxOptions
	topic  *router
}

// Plan is what the chain makes of one table's records.
type Plan struct {
	Topic  string // before the rows' own values say another
	Flat   *FlatOptions
	Outbox *OutboxOptions
	after  []step // routers behind a shape whose rows say their topics
}

// route is where a table's records go after the chain.
func (c *Chain) route(d Destination) Destination {
	if c == nil {
		return d
	}
	p := &Plan{}
	for i := range c.steps {
		s := &c.steps[i]
		switch {
		case s.topic != nil && p.isDynamic():
			p.after = append(p.after, *s)
		case !s.isFor(d.Topic):
		case s.topic != nil:
			s.topic.apply(&d)
		case p.Flat != nil || p.Outbox != nil: // the records are no envelopes any more, and pass as they are
		default:
			p.Flat, p.Outbox = s.flat, s.outbox
		}
	}
	p.Topic = d.Topic
	if p.Flat != nil || p.Outbox != nil {
		d.Plan = p
	}
	return d
}

// isFor says whether the step's predicate takes a topic.
func (s *step) isFor(topic string) bool {
	return s.only == nil || s.only.topics.MatchString(topic) != s.negate
}

// Renamed is a topic that a row says, after the routers.
func (p *Plan) Renamed(topic string) string {
	for i := range p.after {
		if s := &p.after[i]; s.isFor(topic) {
			d := Destination{Topic: topic}
			s.topic.apply(&d)
			topic = d.Topic
		}
	}
	return topic
}

// isDynamic says whether a row's values say which topic it goes to. The nil plan is the envelope's.
func (p *Plan) isDynamic() bool {
	return p != nil && (p.Outbox != nil || p.Flat != nil && p.Flat.RouteByField != "")
}

// HasOutbox says whether a transform makes messages of the rows of an outbox table.
func (c *Chain) HasOutbox() bool {
	return c != nil && slices.ContainsFunc(c.steps, func(s step) bool { return s.outbox != nil })
}
