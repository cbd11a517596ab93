package snapshot

import (
	"cmp"
	"slices"
	"sync"
)

// queue hands the chunks of a plan out to the lanes, each once.
type queue struct {
	mu   sync.Mutex
	work []task
}

// task is one chunk and the place of its table in the plan.
type task struct {
	table int
	chunk Chunk
}

// newQueue orders the work: as planned for one lane; for several the largest tables first, so that the lanes
// end at about the same time, and few tables are open at once.
func newQueue(plan []TablePlan, lanes int) *queue {
	order := make([]int, len(plan))
	for i := range order {
		order[i] = i
	}
	if lanes > 1 {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(plan[b].Bytes, plan[a].Bytes) })
	}
	q := &queue{}
	for _, i := range order {
		for _, c := range plan[i].Chunks {
			q.work = append(q.work, task{i, c})
		}
	}
	return q
}

// next is the next chunk to read; ok is false when none is left.
func (q *queue) next() (t task, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.work) == 0 {
		return task{}, false
	}
	t, q.work = q.work[0], q.work[1:]
	return t, true
}
