package source

import (
	"errors"
	"regexp"

	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/sinks"
)

// shape makes the records of one layout where they are no envelopes: flattened rows, outbox messages. It makes
// them from the envelope that the encoder writes, so that a reader knows one encoding. It serves one goroutine.
type shape interface {
	// prepare compiles what the layout needs, before its first row. A permanent error stops the table.
	prepare(l *lane, x *encoding) error
	// append appends the records of one event to the lane's batch, or none. A *unrouted error asks for a topic
	// first.
	append(l *lane, x *encoding, e *envelope.Event) error
}

// newShape is the shape of a table's records; nil for the envelope.
func newShape(p *routing.Plan) shape {
	switch {
	case p == nil:
		return nil
	case p.Flat != nil:
		return &flatShape{o: p.Flat, plan: p}
	default:
		return &outboxShape{o: p.Outbox, plan: p}
	}
}

// route is a topic that a lane writes to, with the writers of its two subjects.
type route struct {
	topic        string
	target       sinks.Topic
	keys, values writer
}

// routes are a table's by what its rows say. Rows may say anything: what is held of it is bounded, and made again
// where it is needed again.
type routes struct {
	by    map[string]*route
	bytes int // about what they take
}

const (
	mostRouteBytes = 16 << 20
	routeBytes     = 1 << 10 // of one, beside its name and its schemas
	schemaCopies   = 8       // a compiled schema's size, by that of its text
)

func (r *routes) put(u *unrouted, made *route) {
	size := routeBytes + len(u.name) + schemaCopies*(len(u.keySchema)+len(u.valueSchema))
	if r.by == nil || r.bytes+size > mostRouteBytes {
		r.by, r.bytes = map[string]*route{}, 0
	}
	r.by[u.name] = made
	r.bytes += size
}

// unrouted is not a failure: the topic that a row goes to has to be made first, which may take as long as Kafka or
// the registry are away, and so not in the middle of a batch.
type unrouted struct {
	routes                 *routes
	name                   string // of the route in routes
	topic                  string
	keySchema, valueSchema string // "": there is no such side
}

func (*unrouted) Error() string { return "the topic of a row is not known yet" }

// asUnrouted says whether an error asks for a topic.
func asUnrouted(err error) *unrouted {
	var u *unrouted
	if errors.As(err, &u) {
		return u
	}
	return nil
}

// openRoute makes the topic that a row goes to, registers its schemas, and writes the row.
func (l *lane) openRoute(x *encoding, u *unrouted, e *envelope.Event) error {
	if err := l.Flush(); err != nil {
		return err
	}
	made, err := l.makeRoute(u)
	switch {
	case err != nil && l.givesUp(err) && isSchemaRefusal(err):
		return l.undelivered(x, e, err, reasonSchema)
	case err != nil && l.givesUp(err):
		return l.gaveUp(x, e, err)
	case err != nil:
		return err
	}
	u.routes.put(u, made)
	return l.row(x, e)
}

func (l *lane) makeRoute(u *unrouted) (*route, error) {
	r := &route{topic: u.topic}
	var err error
	if r.target, err = l.run.producer.Prepare(l.ctx, u.topic); err != nil {
		return nil, err
	}
	if err := l.run.tables.known(r.target); err != nil { // K11
		return nil, err
	}
	return r, r.register(l, u.keySchema, u.valueSchema)
}

// register readies the writers of a route whose topic is there.
func (r *route) register(l *lane, keySchema, valueSchema string) (err error) {
	t := l.run.task
	if keySchema != "" {
		if r.keys, err = newWriter(l.ctx, t.Keys, t.Registrar, r.topic+"-key", keySchema); err != nil {
			return err
		}
	}
	if valueSchema != "" {
		r.values, err = newWriter(l.ctx, t.Values, t.Registrar, r.topic+"-value", valueSchema)
	}
	return err
}

var legalTopic = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// checkRouted refuses a topic's name that Kafka would refuse. The name comes out of a row, and is not shown.
func checkRouted(table, column, topic string) error {
	if legalTopic.MatchString(topic) && topic != "." && topic != ".." {
		return nil
	}
	return &fault.Error{Op: "route a row of", Object: table, Permanent: true,
		Cause: errors.New("column " + column + " makes a topic name that Kafka refuses; needed are letters, digits, dots, dashes and underscores, at most 249"),
		Hint:  "correct what writes the row, or change route.topic.regex and route.topic.replacement so that every name is legal"}
}

// addTo puts a record of a route at the end of the batch, unless its topic will never take it (K4).
func (l *lane) addTo(r *route, s span, headers []sinks.Header, micros int64) error {
	record := sinks.Record{Topic: r.topic, Headers: headers, Micros: micros}
	s.point(&record, l.batch.Arena)
	record.Partition = r.target.Partition(record.Key)
	l.spans = append(l.spans, s)
	l.batch.Records = append(l.batch.Records, record)
	if r.target.Refuses != nil {
		return r.target.Refuses(&l.batch.Records[len(l.batch.Records)-1])
	}
	return nil
}

// appendRouteKey appends a row's own key as the route's topic has it.
func (l *lane) appendRouteKey(x *encoding, r *route, row envelope.Row, s *span) error {
	s.key, s.nullKey = len(l.batch.Arena), true
	if !x.Layout.Table.HasKey() || row == nil {
		return nil
	}
	arena, err := x.AppendKey(l.batch.Arena, row)
	l.batch.Arena = arena
	if err != nil {
		return err
	}
	copy(arena[s.key:], r.keys.frame[:])
	s.nullKey = false
	l.batch.Arena, err = r.keys.finish(arena, s.key)
	return err
}
