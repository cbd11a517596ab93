package routing

import (
	"errors"
	"strconv"
	"strings"

	"rdip/configs"
)

// router is what Debezium's ByLogicalTableRouter (ToLogicalTopicRouter) or Kafka's
// RegexRouter does to the names of topics and to keys.
type router struct {
	topic   *configs.Replacer
	logical bool
	// Of a logical route: the field that the key gets, "" for none, and how its value comes of the old topic's
	// name; nil: it is that name.
	keyField string
	keyValue *configs.Replacer
}

// Fields that Debezium adds to the key, by the name of the transformation.
const (
	tableRouterField = "__dbz__physicalTableIdentifier" // ByLogicalTableRouter
	topicRouterField = "__dbz__sourceIdentifier"        // ToLogicalTopicRouter
)

// logicalOptions are those of both. What is a number of cached names, and names of schemas, which are
// escaped where Avro needs it anyway, has no effect.
var logicalOptions = []string{"topic.regex", "topic.replacement", "key.enforce.uniqueness", "key.field.name", "key.field.regex", "key.field.replacement",
	"schema.name.adjustment.mode", "logical.table.cache.size", "logical.destination.cache.size"}

// newLogicalRouter is Debezium's ByLogicalTableRouter of such options, or with byTopic its successor
// ToLogicalTopicRouter, which differs in the default of key.field.name. The error names an option.
func newLogicalRouter(options map[string]string, byTopic bool) (router, error) {
	if err := knownOptions(options, logicalOptions); err != nil {
		return router{}, err
	}
	r := router{logical: true, keyField: tableRouterField}
	if byTopic {
		r.keyField = topicRouterField
	}
	var err error
	if r.topic, err = replacer(options, "topic.regex", "topic.replacement"); err != nil {
		return r, err
	}
	if name := options["key.field.name"]; name != "" {
		r.keyField = name
	}
	if text := options["key.enforce.uniqueness"]; text != "" {
		unique, err := strconv.ParseBool(text)
		if err != nil {
			return r, errors.New("key.enforce.uniqueness: true or false")
		}
		if !unique {
			r.keyField = ""
		}
	}
	if strings.TrimSpace(options["key.field.regex"]) == "" {
		return r, nil
	}
	r.keyValue, err = replacer(options, "key.field.regex", "key.field.replacement")
	return r, err
}

// newRegexRouter is Kafka's RegexRouter of the options regex and replacement.
func newRegexRouter(options map[string]string) (router, error) {
	if err := knownOptions(options, []string{"regex", "replacement"}); err != nil {
		return router{}, err
	}
	var r router
	var err error
	r.topic, err = replacer(options, "regex", "replacement")
	return r, err
}

func knownOptions(options map[string]string, known []string) error {
	for name := range options {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return errors.New(name + ": no option of this router; it has " + strings.Join(known, ", "))
		}
	}
	return nil
}

func replacer(options map[string]string, regex, replacement string) (*configs.Replacer, error) {
	if options[regex] == "" || options[replacement] == "" {
		return nil, errors.New(regex + " and " + replacement + ": both are needed")
	}
	r, err := configs.NewReplacer(options[regex], options[replacement])
	if err != nil {
		return nil, errors.New(regex + ": " + err.Error())
	}
	return r, nil
}

// apply renames a topic that the step's expression matches. An empty name leaves it as it is, as Debezium does.
func (r *router) apply(d *Destination) {
	renamed, ok := r.topic.Replace(d.Topic)
	if !ok || renamed == "" {
		return
	}
	old := d.Topic
	d.Topic, d.Shared = renamed, true
	if !r.logical {
		return
	}
	d.Names = renamed
	if r.keyField == "" {
		return
	}
	d.KeyField, d.KeyValue = r.keyField, old
	if r.keyValue != nil {
		d.KeyValue, _ = r.keyValue.Replace(old)
	}
}
