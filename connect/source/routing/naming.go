package routing

import (
	"strings"

	"rdip/schema"
)

// Naming is how tables get their topics. The zero value with a Prefix is Debezium's default: PREFIX.SCHEMA.TABLE.
type Naming struct {
	Prefix    string
	Delimiter string // between the parts; "": a dot
	// NoSchema leaves the schema out: Debezium's DefaultTopicNamingStrategy for a database whose tables have
	// no catalog in their names.
	NoSchema bool
	// Template is a name with ${prefix}, ${database}, ${schema} and ${table}; "": prefix, schema and table.
	Template   string
	routers    routers // after the name
	Transforms *Chain  // after all of that; nil for none
}

// Destination is where a table's records go.
type Destination struct {
	Topic string
	// Names is what the names of its schemas begin with: the topic, unless it was renamed as Kafka's RegexRouter
	// does it, which leaves schemas alone.
	Names string
	// KeyField and KeyValue tell the tables of one topic apart, in a field behind the key's own; "" for none.
	KeyField, KeyValue string
	// Shared: the configuration means the topic to hold several tables.
	Shared bool

	Plan *Plan // what becomes of the envelopes; nil: nothing
}

// ByRow says whether each row says its own topic, and Topic is none.
func (d *Destination) ByRow() bool { return d.Plan.isDynamic() }

// Topic is the topic of a table's events. What Kafka refuses in a name is escaped reversibly; the prefix was
// checked with the configuration.
func (n *Naming) Topic(t *schema.Table) Destination {
	name := n.plain(t)
	return n.Transforms.route(n.routers.route(Destination{Topic: name, Names: name}))
}

// MayCollide says whether the names that this gives may be one for two tables, though nobody asked for that.
func (n *Naming) MayCollide() bool {
	return n.NoSchema || n.Template != "" || n.Delimiter != ""
}

func (n *Naming) plain(t *schema.Table) string {
	if n.Template != "" {
		return strings.NewReplacer("${prefix}", n.Prefix, "${database}", schema.TopicName(t.Database), "${schema}", schema.TopicName(t.Schema),
			"${table}", schema.TopicName(t.Name)).Replace(n.Template)
	}
	delimiter := n.Delimiter
	if delimiter == "" {
		delimiter = "."
	}
	parts := []string{n.Prefix, schema.TopicName(t.Schema), schema.TopicName(t.Name)}
	switch {
	case t.Schema == "":
		parts[1] = schema.TopicName(t.Database)
	case n.NoSchema:
		parts = append(parts[:1], parts[2])
	}
	return strings.Join(parts, delimiter)
}

// Renamed is the name of a topic of no table behind the RegexRouters, which in Connect all records pass. The routers of
// logical tables are for tables.
func (n *Naming) Renamed(topic string) string {
	d := Destination{Topic: topic}
	for i := range n.routers {
		if !n.routers[i].logical {
			n.routers[i].apply(&d)
		}
	}
	if n.Transforms == nil {
		return d.Topic
	}
	for i := range n.Transforms.steps {
		if s := &n.Transforms.steps[i]; s.topic != nil && !s.topic.logical && s.isFor(d.Topic) {
			s.topic.apply(&d)
		}
	}
	return d.Topic
}

// routers rename topics, one after the other, each at most once. It may be used concurrently.
type routers []router

func (r routers) route(d Destination) Destination {
	for i := range r {
		r[i].apply(&d)
	}
	return d
}
