package source

import "rdip/envelope"

// tally counts a lane's events between two batches, so that a row costs no atomic operation.
type tally struct {
	table                                       *table
	reads, creates, updates, deletes, truncates int64
}

// add counts an event; when another table's turn comes, the counts of the last one are published.
func (c *tally) add(t *table, e *envelope.Event) {
	if c.table != t {
		c.publish()
		c.table = t
	}
	switch e.Op {
	case envelope.Read:
		c.reads++
	case envelope.Create:
		c.creates++
	case envelope.Update:
		c.updates++
	case envelope.Delete:
		c.deletes++
	case envelope.Truncate:
		c.truncates++
	}
}

func (c *tally) publish() {
	if c.table == nil {
		return
	}
	c.table.reads.Add(c.reads)
	c.table.creates.Add(c.creates)
	c.table.updates.Add(c.updates)
	c.table.deletes.Add(c.deletes)
	c.table.truncates.Add(c.truncates)
	*c = tally{table: c.table}
}
