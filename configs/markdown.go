package configs

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Markdown writes the documentation of the definitions: a heading each, and below it a table a group. It is
// what docs/CONFIGURATION.md is made of.
func Markdown(w io.Writer, defs []*Definition) error {
	b := bufio.NewWriter(w)
	for i, d := range defs {
		if i > 0 {
			_ = b.WriteByte('\n')
		}
		fmt.Fprintf(b, "## %s\n", d.title)
		group := "\x00"
		for _, k := range d.keys {
			if k.Group != group {
				group = k.Group
				tableHead(b, group)
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", keyName(k), cell(typeOf(k)), cell(defaultOf(k)), cell(docOf(k)))
		}
	}
	return b.Flush()
}

func tableHead(b *bufio.Writer, group string) {
	if group != "" {
		fmt.Fprintf(b, "\n### %s\n", group)
	}
	_, _ = b.WriteString("\n| Key | Type | Default | Meaning |\n| --- | --- | --- | --- |\n")
}

// KnownMarkdown writes the table of Debezium's and Kafka Connect's keys that are not plainly supported.
func KnownMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	of := ""
	for _, k := range KnownKeys() {
		if k.Fate == Supported {
			continue
		}
		if k.Of != of {
			of = k.Of
			fmt.Fprintf(b, "\n### %s\n\n| Key | Here | Why |\n| --- | --- | --- |\n", of)
		}
		fate := k.Fate.String()
		if k.Fate == Fixed {
			fate = "only " + oneOf(k.Only)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.Name, cell(fate), cell(k.Why))
	}
	return b.Flush()
}

func keyName(k *Key) string {
	if k.Prefix {
		return k.Name + "*"
	}
	return k.Name
}

func typeOf(k *Key) string {
	t := k.Type
	if k.Type == typeDuration && k.Unit != "" {
		t += fmt.Sprintf(" (bare number: %s)", k.Unit)
	}
	if k.Least != "" || k.Most != "" {
		t += ", " + bounds(k)
	}
	return t
}

func defaultOf(k *Key) string {
	switch {
	case k.Required && !k.HasDefault:
		return "required"
	case !k.HasDefault:
		return ""
	case k.Default == "":
		return "empty"
	default:
		return "`" + k.Default + "`"
	}
}

func docOf(k *Key) string {
	var b strings.Builder
	b.WriteString(k.Doc)
	for _, c := range k.Choices {
		if c.Refused != "" {
			continue
		}
		fmt.Fprintf(&b, "<br>`%s`: %s", c.Value, c.Doc)
	}
	if len(k.Aliases) > 0 {
		fmt.Fprintf(&b, "<br>Deprecated names: `%s`.", strings.Join(k.Aliases, "`, `"))
	}
	if k.Since != "" {
		fmt.Fprintf(&b, "<br>Since %s.", k.Since)
	}
	return b.String()
}

// cell escapes what would end a table's cell.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}
