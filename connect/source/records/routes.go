package records

import (
	"context"
	"errors"
	"regexp"

	"rdip/internal/fault"
	"rdip/sinks"
)

// routes are a table's by what its rows say. Rows may say anything: what is held of it is bounded, and made again
// where it is needed again.
type routes struct {
	by    map[string]*Topic
	bytes int // about what they take
}

const (
	mostRouteBytes = 16 << 20
	routeBytes     = 1 << 10 // of one, beside its name and its schemas
	schemaCopies   = 8       // a compiled schema's size, by that of its text
)

func (r *routes) put(u *Unrouted, made *Topic) {
	size := routeBytes + len(u.name) + schemaCopies*(len(u.keySchema)+len(u.valueSchema))
	if r.by == nil || r.bytes+size > mostRouteBytes {
		r.by, r.bytes = map[string]*Topic{}, 0
	}
	r.by[u.name] = made
	r.bytes += size
}

// Unrouted is not a failure: the topic that a row goes to has to be made first, which may take as long as Kafka or
// the registry are away, and so not in the middle of a batch. Whoever has made it
// calls Open, and writes the row again.
type Unrouted struct {
	Topic string

	formats                *Formats
	routes                 *routes
	name                   string // of the route in routes
	keySchema, valueSchema string // "": there is no such side
}

func (*Unrouted) Error() string { return "the topic of a row is not known yet" }

// Open registers the schemas of a topic that is there now, and remembers it.
func (u *Unrouted) Open(ctx context.Context, target sinks.Topic) error {
	t := &Topic{Name: u.Topic, Target: target}
	if err := t.Register(ctx, u.formats, u.keySchema, u.valueSchema); err != nil {
		return err
	}
	u.routes.put(u, t)
	return nil
}

// AsUnrouted is an error that asks for a topic, nil for another.
func AsUnrouted(err error) *Unrouted {
	var u *Unrouted
	if errors.As(err, &u) {
		return u
	}
	return nil
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
