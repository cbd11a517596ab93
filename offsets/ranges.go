package offsets

import (
	"encoding/json"
	"errors"
	"slices"
	"sort"
)

// Ranges is a set of small numbers, such as a plan's finished chunks: as runs, so that a million of them next
// to one another are one. The zero value is empty.
type Ranges struct {
	runs []stretch // in order, not empty, never touching
}

// stretch is from up to, and without, to.
type stretch struct{ from, to int }

// Add puts i into the set.
func (r *Ranges) Add(i int) {
	at := sort.Search(len(r.runs), func(k int) bool { return r.runs[k].to >= i })
	if at == len(r.runs) || r.runs[at].from > i+1 {
		r.runs = slices.Insert(r.runs, at, stretch{i, i + 1})
		return
	}
	r.runs[at].from = min(r.runs[at].from, i)
	r.runs[at].to = max(r.runs[at].to, i+1)
	if at+1 < len(r.runs) && r.runs[at+1].from == r.runs[at].to {
		r.runs[at].to = r.runs[at+1].to
		r.runs = slices.Delete(r.runs, at+1, at+2)
	}
}

// Has says whether i is in the set.
func (r *Ranges) Has(i int) bool {
	at := sort.Search(len(r.runs), func(k int) bool { return r.runs[k].to > i })
	return at < len(r.runs) && r.runs[at].from <= i
}

// Len is how many numbers are in the set.
func (r *Ranges) Len() int {
	n := 0
	for _, run := range r.runs {
		n += run.to - run.from
	}
	return n
}

// Clone is a copy that shares nothing.
func (r *Ranges) Clone() Ranges { return Ranges{slices.Clone(r.runs)} }

// MarshalJSON writes [[from,to],...], to not included.
func (r Ranges) MarshalJSON() ([]byte, error) {
	pairs := make([][2]int, len(r.runs))
	for i, run := range r.runs {
		pairs[i] = [2]int{run.from, run.to}
	}
	return json.Marshal(pairs)
}

// UnmarshalJSON reads what MarshalJSON wrote, and nothing else.
func (r *Ranges) UnmarshalJSON(b []byte) error {
	var pairs [][]int
	if err := json.Unmarshal(b, &pairs); err != nil {
		return err
	}
	r.runs = nil
	last := -1
	for _, p := range pairs {
		if len(p) != 2 || p[0] <= last || p[0] < 0 || p[1] <= p[0] {
			return errors.New("finished chunks are not pairs of numbers in order")
		}
		r.runs = append(r.runs, stretch{p[0], p[1]})
		last = p[1]
	}
	return nil
}
