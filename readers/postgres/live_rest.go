package postgres

import (
	"encoding/json"
	"fmt"
	"regexp"

	"rdip/internal/fault"
	"rdip/snapshot"
)

// savedRest is what is left of a chunk, as it is stored: the rest means the same for as long as the plan does.
type savedRest struct {
	From   int64    `json:"from,omitempty"`   // the page
	Behind string   `json:"behind,omitempty"` // the ctid
	Above  []string `json:"above,omitempty"`  // the key, of an override
	Keys   int      `json:"keys,omitempty"`   // the last ones, of those that were asked for
}

// restText is the stored form of the range of a chunk that Read has left.
func restText(left any) string {
	var s savedRest
	switch r := left.(type) {
	case ctidRange:
		s = savedRest{From: r.from, Behind: r.behind, Above: r.keyAbove}
	case keyRange:
		s = savedRest{Keys: len(r.keys)}
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // of numbers and strings: it cannot fail
	}
	return string(text)
}

var ctidText = regexp.MustCompile(`^\([0-9]{1,10},[0-9]{1,5}\)$`)

// Rest takes a chunk of a restored plan up where an earlier run has left it.
func (l *live) Rest(c snapshot.Chunk, text string) (snapshot.Chunk, error) {
	var s savedRest
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		c.Range, err = s.of(c.Range)
	}
	if err != nil {
		return c, &fault.Error{Op: "resume the snapshot of", Object: "table " + c.Table.ID(), Permanent: true,
			Cause: fmt.Errorf("the stored rest of part %d cannot be read: %w", c.Index, err), // it may hold a key
			Hint:  "to copy everything again: rdip offsets reset " + l.r.name + " --config FILE"}
	}
	if r, ok := c.Range.(ctidRange); ok {
		c.Bytes = r.weight()
	}
	c.Rest = text
	return c, nil
}

// of is what is left of a chunk's range.
func (s savedRest) of(whole any) (any, error) {
	switch r := whole.(type) {
	case keyRange:
		if s.Keys < 0 || s.Keys > len(r.keys) {
			return nil, fmt.Errorf("%d keys are left of %d", s.Keys, len(r.keys))
		}
		r.keys = r.keys[len(r.keys)-s.Keys:]
		return r, nil
	case ctidRange:
		if s.Behind != "" && !ctidText.MatchString(s.Behind) {
			return nil, fmt.Errorf("%q is no ctid, such as (12,3)", s.Behind)
		}
		if s.From < r.from || r.to > 0 && s.From > r.to {
			return nil, fmt.Errorf("page %d is not among the pages %d to %d", s.From, r.from, r.to)
		}
		r.from, r.behind, r.keyAbove = s.From, s.Behind, s.Above
		return r, nil
	default:
		return nil, fmt.Errorf("a chunk of %T is not PostgreSQL's", whole)
	}
}
