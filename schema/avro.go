package schema

import (
	"encoding/json"
	"strconv"
)

// ValueSchema is the Avro schema of a topic's values: Debezium's Envelope around the table's rows. Types,
// properties and their order are those of Confluent's AvroData.
func ValueSchema(topic string, t *Table, src *Source) string {
	ns := AvroNamespace(topic)
	w := &avroWriter{namespace: ns, seen: map[string]bool{}}
	w.raw(`{"type":"record","name":"Envelope","namespace":`).str(ns).raw(`,"fields":[`)
	w.raw(`{"name":"before","type":["null",`)
	w.row(ns+".Value", "Value", t.Columns)
	w.raw(`],"default":null},{"name":"after","type":["null","Value"],"default":null},{"name":"source","type":`)
	w.source(src)
	w.raw(`},{"name":"transaction","type":["null",` + transactionBlock + `],"default":null},{"name":"op","type":"string"}`)
	for _, f := range [...]string{"ts_ms", "ts_us", "ts_ns"} {
		w.raw(`,{"name":"` + f + `","type":["null","long"],"default":null}`)
	}
	w.raw(`],"connect.version":2,"connect.name":`).str(ns + ".Envelope").raw(`}`)
	return string(w.out)
}

// KeySchema is the Avro schema of a topic's keys, "" for a table without a key.
func KeySchema(topic string, t *Table) string {
	if !t.HasKey() {
		return ""
	}
	ns := AvroNamespace(topic)
	w := &avroWriter{namespace: ns, seen: map[string]bool{}}
	columns := make([]Column, 0, len(t.Key)+1)
	for i := range t.Key {
		columns = append(columns, *t.KeyField(i))
	}
	if t.KeySuffix != "" {
		columns = append(columns, Column{Name: t.KeySuffix, Type: Plain(String)})
	}
	w.raw(`{"type":"record","name":"Key","namespace":`).str(ns)
	w.fields(columns)
	w.raw(`,"connect.name":`).str(ns + ".Key").raw(`}`)
	return string(w.out)
}

const transactionBlock = `{"type":"record","name":"block","namespace":"event","fields":[` +
	`{"name":"id","type":"string"},{"name":"total_order","type":"long"},{"name":"data_collection_order","type":"long"}],` +
	`"connect.version":1,"connect.name":"event.block"}`

const snapshotEnum = `{"type":"string","connect.version":1,"connect.parameters":` +
	`{"allowed":"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},` +
	`"connect.default":"false","connect.name":"io.debezium.data.Enum"}`

// avroWriter appends one Avro schema. A record is written whole at its first use and by name afterwards.
type avroWriter struct {
	out       []byte
	namespace string
	seen      map[string]bool
}

func (w *avroWriter) raw(s string) *avroWriter {
	w.out = append(w.out, s...)
	return w
}

func (w *avroWriter) str(s string) *avroWriter {
	b, _ := json.Marshal(s)
	w.out = append(w.out, b...)
	return w
}

func (w *avroWriter) row(connectName, name string, columns []Column) {
	w.raw(`{"type":"record","name":`).str(name)
	w.fields(columns)
	w.raw(`,"connect.name":`).str(connectName).raw(`}`)
}

func (w *avroWriter) fields(columns []Column) {
	w.raw(`,"fields":[`)
	first := true
	for i := range columns {
		if columns[i].Omitted {
			continue
		}
		if !first {
			w.raw(`,`)
		}
		first = false
		w.column(&columns[i])
	}
	w.raw(`]`)
}

func (w *avroWriter) column(c *Column) {
	w.raw(`{"name":`).str(AvroName(c.Name)).raw(`,"type":`)
	switch {
	case c.Nullable && c.Default != nil:
		w.raw(`[`).typ(&c.Type, c.Default).raw(`,"null"],"default":`).raw(string(c.Default))
	case c.Nullable:
		w.raw(`["null",`).typ(&c.Type, nil).raw(`],"default":null`)
	case c.Default != nil:
		w.typ(&c.Type, c.Default).raw(`,"default":`).raw(string(c.Default))
	default:
		w.typ(&c.Type, nil)
	}
	w.raw(`}`)
}

func (w *avroWriter) source(src *Source) {
	namespace, name := splitName(src.Name)
	w.raw(`{"type":"record","name":`).str(name)
	if namespace != w.namespace { // as Java's Schema.toString leaves out what is inherited
		w.raw(`,"namespace":`).str(namespace)
	}
	w.raw(`,"fields":[`)
	for _, f := range [...]string{"version", "connector", "name"} {
		w.raw(`{"name":"` + f + `","type":"string"},`)
	}
	w.raw(`{"name":"ts_ms","type":"long"},{"name":"snapshot","type":[` + snapshotEnum + `,"null"],"default":"false"},` +
		`{"name":"db","type":"string"},{"name":"sequence","type":["null","string"],"default":null},` +
		`{"name":"ts_us","type":["null","long"],"default":null},{"name":"ts_ns","type":["null","long"],"default":null}`)
	outer := w.namespace
	w.namespace = namespace
	for i := range src.Fields {
		w.raw(`,`)
		w.field(&src.Fields[i])
	}
	w.namespace = outer
	w.raw(`],"connect.version":1,"connect.name":`).str(src.Name).raw(`}`)
}

func (w *avroWriter) field(f *Field) {
	w.raw(`{"name":`).str(AvroName(f.Name)).raw(`,"type":`)
	if f.Nullable {
		w.raw(`["null",`).typ(&f.Type, nil).raw(`],"default":null}`)
		return
	}
	w.typ(&f.Type, nil).raw(`}`)
}

// typ writes a type without its optionality; def is its connect.default, nil for none.
func (w *avroWriter) typ(t *Type, def []byte) *avroWriter {
	if t.Kind == Record && w.seen[t.Name] {
		return w.reference(t.Name)
	}
	if t.plain() && def == nil {
		return w.raw(`"` + t.Kind.String() + `"`)
	}
	w.raw(`{"type":"` + t.Kind.String() + `"`)
	switch t.Kind {
	case Record:
		w.record(t)
	case Array:
		w.raw(`,"items":`).items(t)
	case Map:
		w.raw(`,"values":`).items(t)
	}
	if t.Name == DecimalName {
		w.raw(`,"scale":` + strconv.Itoa(t.Scale) + `,"precision":` + strconv.Itoa(t.Precision))
	}
	return w.properties(t, def).raw(`}`)
}

func (w *avroWriter) items(t *Type) {
	if t.ItemsRequired {
		w.typ(t.Items, nil)
		return
	}
	w.raw(`["null",`).typ(t.Items, nil).raw(`]`)
}

func (w *avroWriter) record(t *Type) {
	namespace, name := splitName(t.Name)
	w.seen[t.Name] = true
	w.raw(`,"name":`).str(name).raw(`,"namespace":`).str(namespace).raw(`,"fields":[`)
	outer := w.namespace
	w.namespace = namespace
	for i := range t.Fields {
		if i > 0 {
			w.raw(`,`)
		}
		w.field(&t.Fields[i])
	}
	w.namespace = outer
	w.raw(`]`)
}

func (w *avroWriter) reference(full string) *avroWriter {
	if namespace, name := splitName(full); namespace == w.namespace {
		return w.str(name)
	}
	return w.str(full)
}

// properties writes what follows a type, in AvroData's order: doc, version, parameters, default, name,
// type, logicalType.
func (w *avroWriter) properties(t *Type, def []byte) *avroWriter {
	if t.Doc != "" {
		w.raw(`,"connect.doc":`).str(t.Doc)
	}
	if t.Version > 0 {
		w.raw(`,"connect.version":` + strconv.Itoa(t.Version))
	}
	if len(t.Params) > 0 {
		w.raw(`,"connect.parameters":{`)
		for i, p := range t.Params {
			if i > 0 {
				w.raw(`,`)
			}
			w.str(p.Key).raw(`:`).str(p.Value)
		}
		w.raw(`}`)
	}
	if def != nil {
		w.raw(`,"connect.default":`).raw(string(def))
	}
	if t.Name != "" && t.Version > 0 { // AvroData's own records, such as a map's entry, have no Connect name
		w.raw(`,"connect.name":`).str(t.Name)
	}
	if t.ConnectType != "" {
		w.raw(`,"connect.type":`).str(t.ConnectType)
	}
	if logical := logicalTypes[t.Name]; logical != "" {
		w.raw(`,"logicalType":"` + logical + `"`)
	}
	return w
}

// logicalTypes are Avro's names for Connect's own types; AvroData gives Debezium's none.
var logicalTypes = map[string]string{
	DecimalName: "decimal", ConnectDateName: "date", ConnectTimeName: "time-millis", ConnectTimestampName: "timestamp-millis",
}

// plain says whether the type is only its Avro kind, so that it is written as a bare name.
func (t *Type) plain() bool {
	return t.Name == "" && t.ConnectType == "" && t.Kind < Array && len(t.Params) == 0
}

var kindNames = [...]string{"boolean", "int", "long", "float", "double", "bytes", "string", "array", "map", "record"}

func (k Kind) String() string { return kindNames[k] }

func splitName(full string) (namespace, name string) {
	for i := len(full) - 1; i >= 0; i-- {
		if full[i] == '.' {
			return full[:i], full[i+1:]
		}
	}
	return "", full
}
