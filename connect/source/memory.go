package source

// SetMemory changes how many bytes of row data may be under way, of a run too: where that is less than
// before, reading waits until enough is acknowledged. Safe for concurrent use.
func (t *Task) SetMemory(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Memory = bytes
	if t.current != nil {
		t.current.budget.resize(bytes)
	}
}

func (t *Task) memory() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Memory
}

// limitOf divides memory bytes among arenas: at least four, so that lanes and acknowledgements overlap.
func limitOf(memory int64) int64 { return max(memory/arenaCost, 4) * arenaBytes }

// resize changes the limit. What is out already stays out until it is reported.
func (b *budget) resize(memory int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = limitOf(memory)
	b.free = nil
	close(b.changed)
	b.changed = make(chan struct{})
}
