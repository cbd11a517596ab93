package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"rdip/internal/fault"
)

const (
	maxFileBytes = 256 << 10
	// maxNesting bounds brackets left open at once: the parser's time is quadratic in it.
	maxNesting = 64
)

// Load reads and parses a file. The File is nil only when it cannot be read at all.
func Load(path string) (*File, fault.Findings) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Findings{{Kind: fault.Configuration, Where: path, Seen: unwrapPath(err), Need: "a readable YAML file"}}
	}
	return Parse(path, data)
}

// Parse reads YAML strictly. Nested maps and dotted keys are the same thing; a key given twice, in whichever
// form, is a finding with both lines, and so are tabs as indentation, anchors, aliases, merge keys, tags and
// more than one document. Nothing is expanded and no reference resolved. The File is nil when the
// text is not YAML, or not a map; otherwise it may be decoded for the rest of the findings, whatever was found here.
func Parse(name string, data []byte) (*File, fault.Findings) {
	r := &reader{file: name, seen: map[string]Place{}, maps: map[string]Place{}}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if r.refuseRaw(data) {
		return nil, r.findings
	}
	doc, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil, r.findings
	}
	if !r.documents(doc) {
		return nil, r.findings
	}
	return r.split(), r.findings
}

// reader flattens a YAML document into entries.
type reader struct {
	file     string
	entries  []entry
	seen     map[string]Place // of each leaf
	maps     map[string]Place // of each key that holds a map, where it is first given
	findings fault.Findings
}

type entry struct {
	key   string // in full, dotted
	value Value
}

func (r *reader) refuse(at Place, key, seen, need, fix string) {
	r.findings = append(r.findings, withoutSalt(fault.Finding{Kind: fault.Configuration,
		Where: strings.TrimSpace(at.String() + " " + key), Seen: seen, Need: need, Fix: fix}))
}

// refuseRaw finds what must not reach the parser at all.
func (r *reader) refuseRaw(data []byte) bool {
	at := Place{File: r.file}
	switch {
	case len(data) > maxFileBytes:
		r.refuse(at, "", fmt.Sprintf("%d bytes", len(data)), fmt.Sprintf("a file of at most %d bytes", maxFileBytes), "")
	case !utf8.Valid(data):
		r.refuse(at, "", "bytes that are not UTF-8", "UTF-8", "")
	case bytes.IndexByte(data, 0) >= 0:
		r.refuse(at, "", "a NUL byte", "text", "")
	case nesting(data) > maxNesting:
		r.refuse(at, "", "brackets nested too deep", fmt.Sprintf("at most %d", maxNesting), "")
	default:
		r.refuseTabs(data)
	}
	return len(r.findings) > 0
}

// nesting is how many brackets are open at once at most, those in quotes and comments counted too.
func nesting(data []byte) int {
	depth, deepest := 0, 0
	for _, b := range data {
		switch b {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

func (r *reader) refuseTabs(data []byte) {
	line := 0
	for text := range bytes.Lines(data) {
		line++
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if i := bytes.IndexByte(indent, '\t'); i >= 0 && len(bytes.TrimSpace(text)) > 0 {
			r.refuse(Place{r.file, line, i + 1}, "", "a tab as indentation", "spaces", "replace the tab with spaces")
		}
	}
}

// syntax reports the parser's error without the source lines that it would print: they may hold a secret.
func (r *reader) syntax(err error) {
	at, seen := Place{File: r.file}, "it is not YAML"
	var bad *yaml.SyntaxError
	if errors.As(err, &bad) {
		seen = bad.Message
		if bad.Token != nil && bad.Token.Position != nil {
			at.Line, at.Column = bad.Token.Position.Line, bad.Token.Position.Column
		}
	}
	r.refuse(at, "", seen, "YAML", `write each value after "key: "; put one that holds ": " or " #", or begins with one of *&!|>%@{["'`+"`"+`, in single quotes`)
}

// documents flattens the only document; it is false where there is no map to decode.
func (r *reader) documents(doc *ast.File) bool {
	bodies := 0
	for _, d := range doc.Docs {
		if d.Body == nil {
			continue
		}
		if bodies++; bodies > 1 {
			r.refuse(r.place(d.Body), "", "a second document", "one document in a file", "remove the --- line, or use a file each")
			return true
		}
		m, ok := d.Body.(*ast.MappingNode)
		if !ok {
			r.refuse(r.place(d.Body), "", "no keys at the top level", `lines of "key: value"`, "")
			return false
		}
		r.mapping("", m)
	}
	return true
}

func (r *reader) place(n ast.Node) Place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	p := Place{File: r.file}
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		p.Line, p.Column = tk.Position.Line, tk.Position.Column
	}
	return p
}

// mapping flattens a map whose keys are written below prefix, which ends with a dot or is empty.
func (r *reader) mapping(prefix string, m *ast.MappingNode) {
	for _, pair := range m.Values {
		at := r.place(pair.Key)
		key, ok := plainKey(pair.Key)
		switch {
		case !ok:
			r.refuse(at, strings.TrimSuffix(prefix, "."), "a key that is not plain text", "a name such as topic.prefix", "")
		case slices.Contains(strings.Split(key, "."), ""):
			r.refuse(at, prefix+key, "a name with an empty part", "a name such as topic.prefix", "")
		default:
			r.pair(prefix+key, at, pair.Value)
		}
	}
}

// plainKey is a plain key's text. Numbers and booleans are taken as they are written.
func plainKey(k ast.MapKeyNode) (string, bool) {
	switch n := k.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

func (r *reader) pair(key string, at Place, n ast.Node) {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		if _, again := r.maps[key]; !again {
			r.maps[key] = at
		}
		r.mapping(key+".", m)
		return
	}
	v, ok := leaf(n)
	if !ok {
		r.refuse(at, key, describe(n), "plain text, a number, true, false, or a list of them",
			"write the value out; put text that begins with *, & or ! in single quotes")
		return
	}
	v.Place = at
	if first, twice := r.seen[key]; twice {
		r.refuse(at, key, fmt.Sprintf("the key is given twice, first on line %d", first.Line), "one of the two",
			fmt.Sprintf("remove line %d or line %d", first.Line, at.Line))
		return
	}
	r.seen[key] = at
	r.entries = append(r.entries, entry{key, v})
}

// leaf is a leaf's value, or false where YAML means something that a configuration does not take.
func leaf(n ast.Node) (Value, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return Value{Form: Nothing}, true
	case *ast.MappingNode:
		return Value{Form: Empty}, true
	case *ast.SequenceNode:
		v := Value{Form: Sequence, Items: []string{}}
		for _, item := range n.Values {
			text, ok := scalar(item)
			if !ok {
				return Value{}, false
			}
			v.Items = append(v.Items, text)
		}
		return v, true
	default:
		text, ok := scalar(n)
		return Value{Text: text}, ok
	}
}

// scalar is a scalar's text: what is between quotes, or a number or boolean just as it is written.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.AnchorNode:
		return "a YAML anchor (&)"
	case *ast.AliasNode:
		return "a YAML alias (*)"
	case *ast.TagNode:
		return "a YAML tag (!)"
	case *ast.SequenceNode:
		return "a list of something other than plain values"
	default:
		return "a value of another form"
	}
}

func unwrapPath(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
