package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rdip/connect/source/columns"
	"rdip/connect/source/routing"
	"rdip/internal/fault"
	"rdip/schema"
)

// Judged is what the configuration makes of the tables of a source.
type Judged struct {
	Topics  []string // of the tables; one that several are meant to share once
	Keyless []string // those of tables whose records have no key
	// Findings are what cannot be as it is asked for, and expressions that match nothing.
	Findings fault.Findings
}

// Judge looks at all captured tables before a row of them is read. A nil Reshape changes nothing.
func Judge(tables []*schema.Table, r *columns.Reshape, n routing.Naming) Judged {
	var j Judged
	merged, owners := map[string][]string{}, map[string]string{}
	for _, t := range tables {
		shown, err := r.Table(t)
		if err != nil {
			j.Findings = append(j.Findings, refusals(err)...)
			continue
		}
		to := n.Topic(t)
		if to.Shared {
			if merged[to.Topic] = append(merged[to.Topic], t.ID()); len(merged[to.Topic]) > 1 {
				j.Findings = append(j.Findings, sharedKeys(to, shown, merged[to.Topic])...)
				continue
			}
		}
		if to.ByRow() {
			continue
		}
		if owner := owners[to.Topic]; owner != "" && !to.Shared {
			j.Findings = append(j.Findings, refusal(sameTopic(t.ID(), owner, to.Topic)))
			continue
		}
		owners[to.Topic] = t.ID()
		j.Topics = append(j.Topics, to.Topic)
		if !shown.HasKey() {
			j.Keyless = append(j.Keyless, to.Topic)
		}
	}
	j.Findings = append(j.Findings, r.Unmatched(tables)...)
	j.Findings = append(j.Findings, r.InKeys(tables)...)
	return j
}

// refusals are the errors that an error of Reshape.Layout joins, as findings.
func refusals(err error) []fault.Finding {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []fault.Finding{refusal(err)}
	}
	var all []fault.Finding
	for _, e := range joined.Unwrap() {
		all = append(all, refusal(e))
	}
	return all
}

// refusal is one error of Reshape.Layout as a finding.
func refusal(err error) fault.Finding {
	f := fault.Finding{Kind: fault.KindOf(err), Seen: err.Error()}
	var e *fault.Error
	if errors.As(err, &e) {
		f.Where, f.Fix = e.Object, e.Hint
		if e.Cause != nil {
			f.Seen = e.Cause.Error()
		}
	}
	return f
}

// sharedKeys warns of tables in one topic whose keys may be alike: the later row would take the earlier one's
// place in a compacted topic, and for whoever reads by key.
func sharedKeys(to routing.Destination, t *schema.Table, ids []string) fault.Findings {
	if to.KeyField != "" || !t.HasKey() || len(ids) != 2 { // once a topic
		return nil
	}
	return fault.Findings{{Severity: fault.Warning, Kind: fault.Configuration, Where: "topic " + to.Topic, Case: "K8",
		Seen: fmt.Sprintf("tables %s have it together, and nothing in the keys tells them apart", strings.Join(ids, ", ")),
		Need: "keys that are unique over all of these tables", Fix: "topic.routing.topic.regex and topic.routing.topic.replacement, which add the table to the key"}}
}

// lister is a reader that can name its tables.
type lister interface {
	Tables(ctx context.Context) ([]*schema.Table, error)
}

// judge ends a start whose configuration cannot be met, before anything is made at the source.
func (r *run) judge(ctx context.Context) (fault.Findings, error) {
	reader, ok := r.reader.(lister)
	naming := r.task.naming()
	if !ok || r.task.Reshape == nil && !naming.MayCollide() {
		return nil, nil
	}
	tables, err := reader.Tables(ctx)
	if err != nil {
		return nil, err
	}
	found := Judge(tables, r.task.Reshape, naming).Findings
	return found, found.Err()
}
