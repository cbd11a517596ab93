package readertest

import (
	"fmt"
	"strings"
	"sync"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

// markerTable is the suite's own: a row of it ends what a case waits for. It is on no tape.
const markerTable = "marker"

// change is one event, as text.
type change struct {
	op            envelope.Op
	table         string
	before, after []string // nil for none
	keyOnly       bool     // before holds the columns of the key alone
}

// String is c t(1,a), u t(1,a) to (1,b), u t[1] to (2,b), d t[1] or t t; brackets hold a key.
func (c change) String() string {
	text := fmt.Sprintf("%c %s", c.op, c.table)
	switch {
	case c.before != nil && c.keyOnly:
		text += "[" + strings.Join(c.before, ",") + "]"
	case c.before != nil:
		text += "(" + strings.Join(c.before, ",") + ")"
	}
	if c.after != nil && c.op == envelope.Update {
		text += " to "
	}
	if c.after != nil {
		text += "(" + strings.Join(c.after, ",") + ")"
	}
	return text
}

// transaction is what stood between a Begin and its Commit.
type transaction struct {
	envelope.Transaction
	changes []change
	end     offsets.Position
}

// idling is a call of Idle, and how many transactions had come before it.
type idling struct {
	at    offsets.Position
	after int
}

// tape is a Handler that writes down what it is told. Another goroutine may look at it meanwhile.
type tape struct {
	hook    func(call string, e *envelope.Event) error // is told each call first; e is Row's. nil for none
	confirm func(offsets.Position)                     // is told each position, as of a task whose sink is at once; nil for none
	quiet   bool                                       // rows are counted, and not written down
	until   int                                        // the marker to wait for

	mu       sync.Mutex
	done     []transaction // those with rows
	open     transaction
	tables   []string // name(columns), as announced
	before   map[string]schema.Before
	idles    []idling
	rows     int
	messages int
	flushed  int // how many transactions were done at the last Flush
	marker   int // of the open transaction
	last     offsets.Position
	reached  chan struct{} // closed when the marker has been committed
}

func newTape(until int) *tape {
	return &tape{until: until, reached: make(chan struct{}), before: map[string]schema.Before{}}
}

func (p *tape) called(call string, e *envelope.Event) error {
	if p.hook == nil {
		return nil
	}
	return p.hook(call, e)
}

func (p *tape) Begin(tx *envelope.Transaction) error {
	if err := p.called("Begin", nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = transaction{Transaction: *tx}
	return nil
}

func (p *tape) Table(l *envelope.Layout) error {
	if err := p.called("Table", nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.Table.Name == markerTable {
		return nil
	}
	names := make([]string, len(l.Table.Columns))
	for i, c := range l.Table.Columns {
		names[i] = c.Name
	}
	p.tables = append(p.tables, l.Table.Name+"("+strings.Join(names, ",")+")")
	p.before[l.Table.Name] = l.Table.Before
	return nil
}

func (p *tape) Row(e *envelope.Event) error {
	if err := p.called("Row", e); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Layout.Table.Name == markerTable {
		if e.After != nil {
			_, _ = fmt.Sscan(valueText(e.Layout, 0, e.After[0]), &p.marker)
		}
		return nil
	}
	p.rows++
	if !p.quiet {
		p.open.changes = append(p.open.changes, changeOf(e))
	}
	return nil
}

func changeOf(e *envelope.Event) change {
	c := change{op: e.Op, table: e.Layout.Table.Name, keyOnly: e.KeyOnly}
	if e.Before != nil && e.KeyOnly {
		for _, k := range e.Layout.Table.Key {
			c.before = append(c.before, valueText(e.Layout, k, e.Before[k]))
		}
	} else {
		c.before = rowTexts(e.Layout, e.Before)
	}
	c.after = rowTexts(e.Layout, e.After)
	return c
}

func rowTexts(l *envelope.Layout, row envelope.Row) []string {
	if row == nil {
		return nil
	}
	texts := make([]string, len(row))
	for i, v := range row {
		texts[i] = valueText(l, i, v)
	}
	return texts
}

func (p *tape) Message(*envelope.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages++
	return nil
}

func (p *tape) Commit(d offsets.Durable) error {
	if err := p.called("Commit", nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open.changes) > 0 {
		p.open.end = d.Position
		p.done = append(p.done, p.open)
	}
	p.open = transaction{}
	p.safe(d.Position)
	if p.marker == p.until && p.until != 0 {
		close(p.reached)
		p.until = 0
	}
	return nil
}

func (p *tape) Flush() error {
	if err := p.called("Flush", nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushed = len(p.done)
	return nil
}

// Refuse ends the stream: no case of the suite has a change that cannot be handed over.
func (p *tape) Refuse(_ *envelope.Layout, _ envelope.Row, reason error) error { return reason }

func (p *tape) Idle(at offsets.Position) error {
	if err := p.called("Idle", nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idles = append(p.idles, idling{at: at, after: len(p.done)})
	p.safe(at)
	return nil
}

// safe takes note of a position, under the lock.
func (p *tape) safe(at offsets.Position) {
	p.last = at
	if p.confirm != nil {
		p.confirm(at)
	}
}

// transactions are those with rows that have been committed.
func (p *tape) transactions() []transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]transaction(nil), p.done...)
}

// look reads the tape's fields under its lock.
func (p *tape) look(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// show is transactions as text, one a line: their changes, separated by semicolons.
func show(txs []transaction) string {
	lines := make([]string, len(txs))
	for i, tx := range txs {
		texts := make([]string, len(tx.changes))
		for j, c := range tx.changes {
			texts[j] = c.String()
		}
		lines[i] = strings.Join(texts, "; ")
	}
	return strings.Join(lines, "\n")
}
