package configs

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"rdip/internal/fault"
)

// resourceKind is how the resources begin that hold a configuration of Connect's.
var resourceKind = regexp.MustCompile(`(?m)^kind: *["']?(KafkaConnector|KafkaConnect|Connector|Connect)["']? *\r?$`)

func isResource(text []byte) bool { return resourceKind.Match(text) }

// foreignResources reads the connectors and workers of a YAML file; its other documents are passed over.
func foreignResources(text []byte) ([]Foreign, error) {
	r := &reader{file: "it"}
	if r.refuseRaw(text) {
		return nil, r.findings.Err()
	}
	doc, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil, r.findings.Err()
	}
	var all []Foreign
	for _, d := range doc.Docs {
		m, ok := d.Body.(*ast.MappingNode)
		if !ok {
			continue
		}
		one := reader{file: "it", seen: map[string]Place{}, maps: map[string]Place{}}
		one.mapping("", m)
		f, ok := one.resource()
		if !ok {
			continue
		}
		if err := one.configuration().Err(); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		return nil, errors.New("it has no connector")
	}
	return all, nil
}

// configuration is what was found wrong with a document where its keys of Connect's are. Elsewhere it may have forms that
// no configuration has.
func (r *reader) configuration() fault.Findings {
	return slices.DeleteFunc(slices.Clone(r.findings), func(f fault.Finding) bool { return !strings.Contains(f.Where, " spec.config") })
}

// resource is what a document says in Connect's keys. Confluent's for a worker has none: its settings are fields.
func (r *reader) resource() (Foreign, bool) {
	values := map[string]string{}
	for _, e := range r.entries {
		values[e.key] = e.value.Text
		if e.value.Form == Sequence {
			values[e.key] = strings.Join(e.value.Items, ",")
		}
	}
	switch values["kind"] {
	case "KafkaConnector", "Connector":
		return connectorResource(values), true
	case "KafkaConnect":
		return r.workerResource(values), true
	default:
		return Foreign{}, false
	}
}

// connectorResource: Strimzi's spec has config and tasksMax, Confluent's configs, taskMax and a name.
func connectorResource(values map[string]string) Foreign {
	keys := map[string]string{}
	for field, key := range map[string]string{"spec.class": "connector.class", "spec.tasksMax": "tasks.max", "spec.taskMax": "tasks.max"} {
		if value, ok := values[field]; ok {
			keys[key] = value
		}
	}
	for _, under := range []string{"spec.config.", "spec.configs."} {
		copyBelow(keys, values, under)
	}
	return foreignOf(keys, cmp.Or(values["spec.name"], values["metadata.name"]))
}

func copyBelow(keys, values map[string]string, under string) {
	for key, value := range values {
		if plain, ok := strings.CutPrefix(key, under); ok {
			keys[plain] = value
		}
	}
}

// workerFields are fields of Strimzi's KafkaConnect that are Connect's keys.
var workerFields = map[string]string{"spec.bootstrapServers": "bootstrap.servers", "spec.groupId": "group.id", "spec.offsetStorageTopic": "offset.storage.topic",
	"spec.configStorageTopic": "config.storage.topic", "spec.statusStorageTopic": "status.storage.topic"}

// workerResource keeps the fields by which the brokers are reached and that are not translated under their own names, so
// that none is lost without a word.
func (r *reader) workerResource(values map[string]string) Foreign {
	f := Foreign{Name: values["metadata.name"], Keys: map[string]string{}, Worker: true}
	copyBelow(f.Keys, values, "spec.config.")
	for field, key := range workerFields {
		if value, ok := values[field]; ok {
			f.Keys[key] = value
		}
	}
	for _, field := range []string{"spec.tls", "spec.authentication"} {
		if _, given := r.maps[field]; given {
			f.Keys[field] = "{...}"
		}
	}
	return f
}
