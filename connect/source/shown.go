package source

import (
	"rdip/connect/source/records"
	"rdip/connect/source/routing"
	"rdip/envelope"
)

// naming is the task's naming, completed.
func (t *Task) naming() routing.Naming {
	n := t.Naming
	if n.Prefix == "" {
		n.Prefix = t.Prefix
	}
	return n
}

// shown is a reader's layout as its table's records show it.
func (t *Task) shown(l *envelope.Layout, of *table) (*envelope.Layout, error) {
	if err := t.Own.Refuses(of.to.Topic, of.id); err != nil {
		return l, err
	}
	shown, err := t.Reshape.Layout(l)
	if err != nil {
		return l, err
	}
	suffix := of.to.KeyField != "" && shown.Table.HasKey()
	if !suffix && (of.to.Names == of.to.Topic) {
		return shown, nil
	}
	out, in := *shown, *shown.Table
	out.Table, out.Names = &in, of.to.Names
	if suffix {
		in.KeySuffix, out.KeySuffix = of.to.KeyField, of.to.KeyValue
	}
	return &out, nil
}

// options are those of the encoder of a table's envelopes. What becomes of a NULL in a column with a default is said by
// the encoder for Avro and by the program for JSON. The transform for flattened rows comes before both, as in Connect: it
// can write the default, and a NULL that it leaves is the converter's to replace.
func (t *Task) options(of *table) envelope.Options {
	o := t.Envelope
	if t.Values.Kind == records.FormatJSON {
		o.Nulls = envelope.NullsStay
	}
	if p := of.to.Plan; p != nil && p.Flat != nil && p.Flat.ReplaceNull {
		o.Nulls = envelope.NullsAreDefaults
	}
	return o
}

// shaping is what shapes are told.
func (t *Task) shaping() records.Options {
	return records.Options{Formats: t.formats(), Tombstones: t.Tombstones, Headers: t.contextHeaders, Log: t.Log}
}

func (t *Task) formats() records.Formats {
	return records.Formats{Keys: t.Keys, Values: t.Values, Registrar: t.Registrar}
}

// skips says whether an update is left out for it changes nothing that is captured. A changed key is a change,
// captured or not: other rows have the old one.
func (t *Task) skips(x *encoding, e *envelope.Event) bool {
	return t.SkipUnchanged && e.Op == envelope.Update && x.Unchanged(e) && !x.KeyChanged(e)
}
