package source

// SetMemory changes how many bytes of row data may be under way, of a run too: where that is less than
// before, reading waits until enough is acknowledged. Safe for concurrent use.
func (t *Task) SetMemory(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Memory = bytes
	if t.current != nil {
		t.current.budget.Resize(bytes)
	}
}

func (t *Task) memory() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Memory
}
