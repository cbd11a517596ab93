package source

// undone is where the transaction that is being read begins in its lane's batch. A stop that comes in its middle takes
// back what was not sent of it, so that a drained task repeats nothing: the next start reads it whole.
type undone struct {
	open  bool
	first int // records of the batch that are older than the transaction
}

// begins notes that what comes belongs to a transaction.
func (u *undone) begins(records int) { *u = undone{open: true, first: records} }

// ends notes its commit.
func (u *undone) ends() { u.open = false }

// sent notes that the batch has gone, with what it had of the transaction.
func (u *undone) sent() { u.first = 0 }

// takeBack leaves out of the batch what belongs to a transaction without its commit.
func (l *lane) takeBack() {
	if !l.undone.open || l.undone.first >= l.batch.Count() {
		return
	}
	first := l.undone.first
	l.batch.BackTo(first)
	if first == 0 && l.last.IsZero() && len(l.chunks) == 0 {
		l.run.budget.Put(l.batch.Batch, false)
		l.batch.Open(nil)
	}
}
