package source

import (
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
	if err := t.Own.refuses(of.to.Topic, of.id); err != nil {
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

// skips says whether an update is left out for it changes nothing that is captured. A changed key is a change,
// captured or not: other rows have the old one.
func (t *Task) skips(x *encoding, e *envelope.Event) bool {
	return t.SkipUnchanged && e.Op == envelope.Update && x.Unchanged(e) && !x.KeyChanged(e)
}
