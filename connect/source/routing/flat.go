package routing

import (
	"fmt"
	"strings"

	"rdip/configs"
	"rdip/envelope/convert"
)

const flatClass = "io.debezium.transforms.ExtractNewRecordState"

// DeleteHandling is what a delete and its tombstone become in flattened rows.
type DeleteHandling string

// The ways of Debezium's delete.tombstone.handling.mode.
const (
	DeleteDrop          DeleteHandling = "drop"
	DeleteTombstone     DeleteHandling = "tombstone"
	DeleteRewrite       DeleteHandling = "rewrite"
	DeleteRewriteAndNil DeleteHandling = "rewrite-with-tombstone"
	DeleteToTombstone   DeleteHandling = "delete-to-tombstone"
)

// FlatOptions are those of Debezium's ExtractNewRecordState: the row alone in place of the envelope.
type FlatOptions struct {
	Deletes        DeleteHandling
	AddFields      []string
	FieldPrefix    string
	AddHeaders     []string
	HeaderPrefix   string
	RouteByField   string
	ReplaceNull    bool
	KeepTombstones bool // tombstones pass whatever Deletes says: the predicate RecordIsTombstone, negated

	dropHeader string
	dropKey    bool
	dropKeep   bool

	Fields, Headers []Addition
}

// Addition is a part of the envelope that goes with the row, under its new name.
type Addition struct {
	Path convert.Path
	Name string
}

func (o *FlatOptions) define(d *configs.Definition, under string, debezium bool) {
	configs.Enum(d, &o.Deletes, under+"delete.tombstone.handling.mode", "What a delete becomes.", []configs.Choice{
		{Value: string(DeleteTombstone), Doc: "a record with a null value, in place of the delete and its tombstone."},
		{Value: string(DeleteToTombstone), Doc: "the same."},
		{Value: string(DeleteDrop), Doc: "nothing."},
		{Value: string(DeleteRewrite), Doc: "the old row, with the field `__deleted` that says `true`; other rows say `false`."},
		{Value: string(DeleteRewriteAndNil), Doc: "the same, followed by the tombstone."}}, configs.Default(string(DeleteTombstone)))
	d.List(&o.AddFields, under+"add.fields", "Parts of the envelope that are added to the row: `op`, `ts_ms`, `source.lsn` or `lsn`, `transaction.id`; `op:OPERATION` names the field.", configs.Default(""))
	d.String(&o.FieldPrefix, under+"add.fields.prefix", "What the added fields' names begin with.", configs.Default("__"))
	d.List(&o.AddHeaders, under+"add.headers", "Parts of the envelope that are added as headers, as in `add.fields`.", configs.Default(""))
	d.String(&o.HeaderPrefix, under+"add.headers.prefix", "What the added headers' names begin with.", configs.Default("__"))
	d.String(&o.RouteByField, under+"route.by.field", "A column of text whose value is the topic of its row.", configs.Default(""))
	replace := "false"
	if debezium {
		replace = "true"
	}
	d.Bool(&o.ReplaceNull, under+"replace.null.with.default", "Whether a column that has a default is written as the default where it is NULL. Debezium's default is `true`, which `compatibility: debezium` takes. A NULL that is left is the converter's to replace: under `compatibility: debezium` Avro does, and JSON unless `value.converter.replace.null.with.default` is `false`.", configs.Default(replace))
	d.String(&o.dropHeader, under+"drop.fields.header.name", "Only empty: a header that lists fields comes of another transform, and no such transform is built; `column.exclude.list` leaves columns out.", configs.Default(""),
		configs.Check(onlyEmpty), configs.Rank(configs.Low))
	d.Bool(&o.dropKey, under+"drop.fields.from.key", "Without effect, since there is no such header.", configs.Default("false"), configs.Rank(configs.Low))
	d.Bool(&o.dropKeep, under+"drop.fields.keep.schema.compatible", "Without effect, since there is no such header.", configs.Default("true"), configs.Rank(configs.Low))
}

func onlyEmpty(s string) error {
	if s == "" {
		return nil
	}
	return &configs.Problem{Need: "nothing: no transform makes such a header", Fix: "remove it; column.exclude.list leaves columns out"}
}

func buildFlat(s *step, d *configs.Definition, debezium bool) func(*configs.Section) (string, error) {
	o := &FlatOptions{}
	o.define(d, "", debezium)
	return func(*configs.Section) (string, error) {
		var err error
		if o.Fields, err = additions(o.AddFields, o.FieldPrefix); err != nil {
			return "add.fields", err
		}
		if o.Headers, err = additions(o.AddHeaders, o.HeaderPrefix); err != nil {
			return "add.headers", err
		}
		s.flat = o
		return "", nil
	}
}

// additions reads a list as Debezium's FieldReference does: FIELD or RECORD.FIELD, and behind a colon the new name.
func additions(list []string, prefix string) ([]Addition, error) {
	var out []Addition
	for _, text := range list {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		old, name, renamed := strings.Cut(text, ":")
		parent, field, qualified := strings.Cut(old, ".")
		if !qualified {
			parent, field = hostOf(old), old
		}
		switch {
		case parent != "" && parent != "source" && parent != "transaction", strings.ContainsAny(field, ".:"), field == "":
			return nil, fmt.Errorf("%q is not a field that can be added: op, ts_ms, ts_us, ts_ns, source.FIELD and transaction.FIELD can", text)
		case renamed:
			name = prefix + name
		case qualified:
			name = prefix + parent + "_" + field
		default:
			name = prefix + field
		}
		out = append(out, Addition{convert.Path{Parent: parent, Field: field}, name})
	}
	return out, nil
}

// hostOf is the record that a field without one is taken from.
func hostOf(field string) string {
	switch field {
	case "op", "ts_ms", "ts_us", "ts_ns":
		return ""
	case "id", "total_order", "data_collection_order":
		return "transaction"
	default:
		return "source"
	}
}

// Rewrites says whether deletes are rows with the field __deleted.
func (o *FlatOptions) Rewrites() bool {
	return o.Deletes == DeleteRewrite || o.Deletes == DeleteRewriteAndNil
}

// Tombstones says whether the tombstone behind a delete stays.
func (o *FlatOptions) Tombstones() bool {
	return o.Deletes == DeleteRewriteAndNil || o.KeepTombstones
}
