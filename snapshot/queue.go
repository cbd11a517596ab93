package snapshot

import (
	"cmp"
	"slices"
	"sync"
)

// queue hands the chunks of a plan out to the lanes, each once.
type queue struct {
	mu    sync.Mutex
	work  []task
	limit []int // of lanes at once, by table; 0 for any number
	busy  []int // lanes at work, by table
}

// noTable is the table of a lane that has read nothing yet.
const noTable = -1

// task is one chunk and the place of its table in the plan.
type task struct {
	table int
	chunk Chunk
}

// newQueue orders the work by rank; tables of the same rank as planned for one lane, for several the largest first,
// so that the lanes end at about the same time, and few tables are open at once.
func newQueue(plan []TablePlan, lanes int) *queue {
	order := make([]int, len(plan))
	q := &queue{limit: make([]int, len(plan)), busy: make([]int, len(plan))}
	for i := range order {
		order[i], q.limit[i] = i, plan[i].Lanes
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if c := cmp.Compare(plan[a].Rank, plan[b].Rank); c != 0 || lanes <= 1 {
			return c
		}
		return cmp.Compare(plan[b].Bytes, plan[a].Bytes)
	})
	for _, i := range order {
		for _, c := range plan[i].Chunks {
			q.work = append(q.work, task{i, c})
		}
	}
	return q
}

// next is the next chunk to read for a lane that has just read one of a table. ok is false when nothing is left for
// it: what is left then is of tables that as many lanes read as may, and these go on until it is done.
func (q *queue) next(last int) (t task, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last != noTable {
		q.busy[last]--
	}
	i := slices.IndexFunc(q.work, func(t task) bool { return q.limit[t.table] == 0 || q.busy[t.table] < q.limit[t.table] })
	if i < 0 {
		return task{}, false
	}
	t = q.work[i]
	if i == 0 {
		q.work = q.work[1:]
	} else {
		q.work = slices.Delete(q.work, i, i+1)
	}
	q.busy[t.table]++
	return t, true
}
