package compatibility

import (
	"encoding/json"
	"strings"
	"unicode"
)

var primitives = map[string]bool{"null": true, "boolean": true, "int": true, "long": true, "float": true,
	"double": true, "bytes": true, "string": true}

// graph turns a schema's JSON, which twmb/avro found well formed, into nodes, and at the same time into
// its normal form: full names in place of namespaces, full references.
type graph struct{ named map[string]*node }

// build returns doc's node and normal form; namespace is the one that encloses it.
func (g *graph) build(doc any, namespace string) (*node, any, error) {
	switch v := doc.(type) {
	case string:
		return g.reference(v, namespace)
	case []any:
		return g.union(v, namespace)
	case map[string]any:
		return g.object(v, namespace)
	default:
		return nil, nil, invalid("a type is a name, a list or an object, not %v", v)
	}
}

func (g *graph) reference(name, namespace string) (*node, any, error) {
	if primitives[name] {
		return &node{kind: name}, name, nil
	}
	for _, full := range []string{fullName(name, namespace), name} {
		if n, ok := g.named[full]; ok {
			return n, full, nil
		}
	}
	return nil, nil, invalid("undefined type %q", name)
}

func (g *graph) union(list []any, namespace string) (*node, any, error) {
	n, normal := &node{kind: "union"}, make([]any, len(list))
	for i, e := range list {
		b, form, err := g.build(e, namespace)
		if err != nil {
			return nil, nil, err
		}
		n.branches = append(n.branches, b)
		normal[i] = form
	}
	return n, normal, nil
}

func (g *graph) object(o map[string]any, namespace string) (*node, any, error) {
	kind, ok := o["type"].(string)
	if !ok {
		return nil, nil, invalid(`"type" must be a name`)
	}
	normal := make(map[string]any, len(o))
	for k, v := range o {
		normal[k] = v
	}
	switch kind {
	case "record", "error", "enum", "fixed":
		n, err := g.definition(o, normal, kind, namespace)
		return n, normal, err
	case "array":
		n, err := g.container("items", o, normal, namespace)
		return n, normal, err
	case "map":
		n, err := g.container("values", o, normal, namespace)
		return n, normal, err
	}
	n, form, err := g.reference(kind, namespace)
	if err != nil {
		return nil, nil, err
	}
	if len(o) == 1 {
		return n, form, nil
	}
	normal["type"] = form
	return n, normal, nil
}

func (g *graph) container(key string, o, normal map[string]any, namespace string) (*node, error) {
	items, form, err := g.build(o[key], namespace)
	if err != nil {
		return nil, err
	}
	normal[key] = form
	return &node{kind: normal["type"].(string), items: items}, nil
}

func (g *graph) definition(o, normal map[string]any, kind, namespace string) (*node, error) {
	if kind == "error" {
		kind = "record"
	}
	name, _ := o["name"].(string)
	if ns, ok := o["namespace"].(string); ok {
		namespace = ns
	}
	full := fullName(name, namespace)
	namespace, simple := splitName(full)
	if err := checkName(simple); err != nil {
		return nil, err
	}
	if namespace == "" && primitives[simple] {
		return nil, invalid("a type may not be named after the primitive %q", simple)
	}
	n := &node{kind: kind, name: full}
	for _, a := range texts(o["aliases"]) {
		if _, s := splitName(a); checkName(s) != nil {
			return nil, checkName(s)
		}
		n.aliases = append(n.aliases, fullName(a, namespace))
	}
	g.named[full] = n
	delete(normal, "namespace")
	normal["name"] = full
	if n.aliases != nil {
		normal["aliases"] = n.aliases
	}
	return n, g.body(n, o, normal, namespace)
}

func (g *graph) body(n *node, o, normal map[string]any, namespace string) error {
	switch n.kind {
	case "fixed":
		size, ok := o["size"].(json.Number)
		if !ok {
			return invalid("fixed %s has no size", n.name)
		}
		n.size, _ = size.Int64()
		return nil
	case "enum":
		n.symbols = texts(o["symbols"])
		n.enumDefault, _ = o["default"].(string)
		for _, s := range n.symbols {
			if err := checkName(s); err != nil {
				return err
			}
		}
		return nil
	}
	list, _ := o["fields"].([]any)
	forms := make([]any, len(list))
	for i, e := range list {
		f, form, err := g.field(e, namespace)
		if err != nil {
			return err
		}
		n.fields = append(n.fields, f)
		forms[i] = form
	}
	normal["fields"] = forms
	return nil
}

func (g *graph) field(doc any, namespace string) (field, any, error) {
	o, ok := doc.(map[string]any)
	if !ok {
		return field{}, nil, invalid("a field is an object, not %v", doc)
	}
	name, _ := o["name"].(string)
	if err := checkName(name); err != nil {
		return field{}, nil, err
	}
	typ, form, err := g.build(o["type"], namespace)
	if err != nil {
		return field{}, nil, err
	}
	def, hasDefault := o["default"]
	if number, ok := def.(json.Number); ok && (typ.kind == "int" || typ.kind == "long") && strings.ContainsAny(number.String(), ".eE") {
		return field{}, nil, invalid("default of field %s: %s is not an integer", name, number)
	}
	normal := make(map[string]any, len(o))
	for k, v := range o {
		normal[k] = v
	}
	normal["type"] = form
	return field{name: name, aliases: texts(o["aliases"]), typ: typ, hasDefault: hasDefault}, normal, nil
}

// checkName holds a simple name to Java's rule: a letter of any script or _, then letters, digits and _.
func checkName(name string) error {
	if name == "" {
		return invalid("a name is empty or missing")
	}
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return invalid("illegal character %q in the name %q", r, name)
		}
	}
	return nil
}

func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

func splitName(full string) (namespace, simple string) {
	i := strings.LastIndexByte(full, '.')
	return full[:max(i, 0)], full[i+1:]
}

func texts(doc any) []string {
	list, _ := doc.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
