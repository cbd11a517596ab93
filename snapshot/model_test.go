package snapshot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

// modelRow is a row of the model's one table: id is its key, version grows with each change of any row, text is
// large and not in the log where a change leaves it as it was.
type modelRow struct {
	slot    int // where it lies: a changed row gets another
	id      int
	version int
	text    string
}

// change is one row of the log.
type change struct {
	op       envelope.Op
	old, now modelRow
	absent   bool // text was not changed
}

// transaction is one of the log. Its changes are visible only some time after the log has its commit.
type transaction struct {
	id      uint64
	place   uint64
	changes []change
	visible bool
}

// database is a table under change, its log, and who may see what. Writers wait for the locks of transactions
// that are not visible yet, as PostgreSQL's do.
type database struct {
	mu      sync.Mutex
	random  *rand.Rand
	place   uint64
	nextID  uint64
	version int
	slots   int
	rows    map[int]modelRow // by id: all that is committed
	seen    map[int]modelRow // by id: all that is visible
	log     []transaction
	grown   chan struct{}
	keys    int // how many ids are in use
}

func newDatabase(seed uint64, rows, keys int) *database {
	d := &database{random: rand.New(rand.NewPCG(seed, 1)), place: 100, nextID: 1000, rows: map[int]modelRow{}, seen: map[int]modelRow{},
		grown: make(chan struct{}), keys: keys, slots: 3*rows + 1}
	for i := range rows {
		d.version++
		r := modelRow{slot: 3 * i, id: i, version: d.version, text: "t" + strconv.Itoa(d.version)}
		d.rows[i], d.seen[i] = r, r
	}
	return d
}

func (d *database) chance(n int) bool { return d.random.IntN(n) == 0 }

// slot is a free place: in a gap between others, or behind all.
func (d *database) slot() int {
	if d.chance(3) {
		d.slots++
		return d.slots
	}
	for range 10 {
		s := d.random.IntN(d.slots)
		free := true
		for _, r := range d.rows {
			free = free && r.slot != s
		}
		for _, r := range d.seen {
			free = free && r.slot != s
		}
		if free {
			return s
		}
	}
	d.slots++
	return d.slots
}

// write commits one transaction of a few changes; its effects are seen later.
func (d *database) write() {
	d.mu.Lock()
	defer d.mu.Unlock()
	locked := map[int]bool{}
	all := false
	for _, tx := range d.log {
		for _, c := range tx.changes {
			if !tx.visible {
				locked[c.old.id], locked[c.now.id] = true, true
				all = all || c.op == envelope.Truncate
			}
		}
	}
	if all {
		return
	}
	d.nextID++
	tx := transaction{id: d.nextID}
	if d.chance(60) && len(locked) == 0 {
		tx.changes = []change{{op: envelope.Truncate}}
		d.rows = map[int]modelRow{}
	} else {
		for range 1 + d.random.IntN(3) {
			if c, ok := d.change(locked); ok {
				tx.changes = append(tx.changes, c)
			}
		}
	}
	if len(tx.changes) == 0 {
		return
	}
	d.append(tx, time.Duration(d.random.IntN(25))*time.Millisecond)
}

func (d *database) change(locked map[int]bool) (change, bool) {
	id := d.random.IntN(d.keys)
	if locked[id] {
		return change{}, false
	}
	locked[id] = true
	d.version++
	old, there := d.rows[id]
	switch {
	case !there:
		now := modelRow{slot: d.slot(), id: id, version: d.version, text: "t" + strconv.Itoa(d.version)}
		d.rows[id] = now
		return change{op: envelope.Create, now: now}, true
	case d.chance(6):
		delete(d.rows, id)
		old.version = d.version
		return change{op: envelope.Delete, old: old}, true
	}
	now := old
	now.slot, now.version = d.slot(), d.version
	c := change{op: envelope.Update, absent: !d.chance(3)}
	if !c.absent {
		now.text = "t" + strconv.Itoa(d.version)
	}
	if other := d.random.IntN(d.keys); d.chance(5) && !locked[other] {
		if _, taken := d.rows[other]; !taken {
			locked[other] = true
			delete(d.rows, id)
			now.id = other
			old.version = d.version
			c.old = old
		}
	}
	d.rows[now.id] = now
	c.now = now
	return c, true
}

// append gives a transaction its place in the log.
func (d *database) append(tx transaction, hidden time.Duration) uint64 {
	d.place += 10
	tx.place = d.place
	at := len(d.log)
	d.log = append(d.log, tx)
	close(d.grown)
	d.grown = make(chan struct{})
	if hidden == 0 {
		d.show(at)
	} else {
		time.AfterFunc(hidden, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.show(at)
		})
	}
	return tx.place
}

func (d *database) show(at int) {
	tx := &d.log[at]
	tx.visible = true
	for _, c := range tx.changes {
		switch c.op {
		case envelope.Truncate:
			clear(d.seen)
		case envelope.Delete:
			delete(d.seen, c.old.id)
		default:
			if c.old.version != 0 {
				delete(d.seen, c.old.id)
			}
			d.seen[c.now.id] = c.now
		}
	}
}

// ordersTable is the model's table.
var modelTable = &schema.Table{Schema: "public", Name: "m", OID: 7, Key: []int{0}, Columns: []schema.Column{{Name: "id"}, {Name: "version"}, {Name: "text"}}}

var streamLayout = &envelope.Layout{Table: modelTable}

// stream hands the log on from a place until ctx ends.
func (d *database) stream(ctx context.Context, from uint64, h envelope.Handler) error {
	announced := false
	for at := 0; ; at++ {
		d.mu.Lock()
		for at < len(d.log) && d.log[at].place < from {
			at++
		}
		if at >= len(d.log) {
			grown := d.grown
			d.mu.Unlock()
			if err := h.Flush(); err != nil {
				return err
			}
			select {
			case <-grown:
				at--
				continue
			case <-ctx.Done():
				return nil
			}
		}
		tx := d.log[at]
		d.mu.Unlock()
		if err := hand(tx, h, &announced); err != nil || ctx.Err() != nil {
			return err
		}
		if tx.id%3 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func hand(tx transaction, h envelope.Handler, announced *bool) error {
	if err := h.Begin(&envelope.Transaction{ID: tx.id, Place: tx.place}); err != nil {
		return err
	}
	for _, c := range tx.changes {
		if !*announced {
			*announced = true
			if err := h.Table(streamLayout); err != nil {
				return err
			}
		}
		if err := h.Row(c.event()); err != nil {
			return err
		}
	}
	return h.Commit(offsets.Durable{Position: offsets.Position{Place: tx.place + 1}})
}

func (c change) event() *envelope.Event {
	e := &envelope.Event{Op: c.op, Layout: streamLayout}
	if c.op == envelope.Delete || c.op == envelope.Update && c.old.version != 0 {
		e.Before, e.KeyOnly = envelope.Row{{State: envelope.Present, Wire: []byte(strconv.Itoa(c.old.id))}, {}, {}}, true
	}
	if c.op == envelope.Create || c.op == envelope.Update {
		e.After = c.now.wire()
		if c.absent {
			e.After[2] = envelope.Value{State: envelope.Absent}
		}
	}
	return e
}

func (r modelRow) wire() envelope.Row {
	present := func(s string) envelope.Value { return envelope.Value{State: envelope.Present, Wire: []byte(s)} }
	return envelope.Row{present(strconv.Itoa(r.id)), present(strconv.Itoa(r.version)), present(r.text)}
}

// modelLive reads the model's table.
type modelLive struct {
	d     *database
	done  func(index, slot int) bool // the chunk, or what of it lies before a slot, is durable, and must not be read again
	fault func(string)
}

const slotsPerChunk = 12

func (l *modelLive) Captured(context.Context) ([]*schema.Table, error) {
	return []*schema.Table{modelTable}, nil
}

func (l *modelLive) Plan(context.Context, []snapshot.Asked) ([]snapshot.TablePlan, error) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return []snapshot.TablePlan{planOf(l.d.slots)}, nil
}

func planOf(slots int) snapshot.TablePlan {
	text, _ := json.Marshal(map[string]int{"slots": slots})
	p := snapshot.TablePlan{Table: modelTable, Rows: -1, Saved: string(text)}
	for from := 0; from <= slots; from += slotsPerChunk {
		p.Chunks = append(p.Chunks, snapshot.Chunk{Table: modelTable, Index: len(p.Chunks), Range: [2]int{from, from + slotsPerChunk}})
	}
	return p
}

func (l *modelLive) Restore(_ context.Context, _ snapshot.Asked, saved string) (snapshot.TablePlan, bool, error) {
	var plan struct{ Slots int }
	err := json.Unmarshal([]byte(saved), &plan)
	return planOf(plan.Slots), true, err
}

func (l *modelLive) Rest(c snapshot.Chunk, text string) (snapshot.Chunk, error) {
	from, err := strconv.Atoi(text)
	c.Range = [2]int{from, c.Range.([2]int)[1]}
	return c, err
}

func (l *modelLive) Keys(t *schema.Table, keys [][]string, _ snapshot.Asked) (snapshot.Chunk, error) {
	return snapshot.Chunk{Table: t, Range: keys}, nil
}

func (l *modelLive) Mark(context.Context) (uint64, error) {
	l.pause()
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.d.nextID++
	return l.d.append(transaction{id: l.d.nextID}, 0), nil
}

func (l *modelLive) Lane(context.Context) (snapshot.LiveLane, error) { return &modelLane{l: l}, nil }

func (l *modelLive) Exact(context.Context, []snapshot.Asked) (snapshot.Source, error) {
	return nil, fmt.Errorf("the table has a key")
}

func (l *modelLive) pause() {
	l.d.mu.Lock()
	n := l.d.random.IntN(4)
	l.d.mu.Unlock()
	time.Sleep(time.Duration(n) * time.Millisecond)
}

// modelView is what was visible at one moment.
type modelView struct {
	hidden map[uint64]bool
	newest uint64
	rows   []modelRow // by slot
}

func (v *modelView) Transaction() envelope.Transaction { return envelope.Transaction{ID: v.newest} }
func (v *modelView) Sees(id, _ uint64) bool            { return id <= v.newest && !v.hidden[id] }
func (v *modelView) Running() []uint64 {
	var ids []uint64
	for id := range v.hidden {
		ids = append(ids, id)
	}
	return ids
}

type modelLane struct {
	l *modelLive
	v *modelView
}

func (m *modelLane) Begin(context.Context) (snapshot.View, error) {
	m.l.pause()
	d := m.l.d
	d.mu.Lock()
	defer d.mu.Unlock()
	m.v = &modelView{hidden: map[uint64]bool{}, newest: d.nextID}
	for _, tx := range d.log {
		if !tx.visible {
			m.v.hidden[tx.id] = true
		}
	}
	for _, r := range d.seen {
		m.v.rows = append(m.v.rows, r)
	}
	slices.SortFunc(m.v.rows, func(a, b modelRow) int { return a.slot - b.slot })
	return m.v, nil
}

func (m *modelLane) Read(_ context.Context, c snapshot.Chunk, h envelope.Handler) (*snapshot.Chunk, error) {
	if want, ok := c.Range.([2]int); ok && m.l.done(c.Index, want[0]) {
		m.l.fault(fmt.Sprintf("chunk %d from slot %d on is durable and was read again", c.Index, want[0]))
	}
	layout := &envelope.Layout{Table: modelTable}
	if err := h.Table(layout); err != nil {
		return nil, err
	}
	for i, r := range m.v.rows {
		switch want := c.Range.(type) {
		case [2]int:
			if r.slot < want[0] || r.slot >= want[1] {
				continue
			}
		case [][]string:
			if !slices.ContainsFunc(want, func(k []string) bool { return k[0] == strconv.Itoa(r.id) }) {
				continue
			}
		}
		if i%2 == 0 {
			m.l.pause()
		}
		err := h.Row(&envelope.Event{Op: envelope.Read, Layout: layout, After: r.wire()})
		if err == snapshot.ErrFull {
			rest := c
			if want, ok := c.Range.([2]int); ok {
				rest.Range, rest.Rest = [2]int{r.slot + 1, want[1]}, strconv.Itoa(r.slot+1)
			}
			return &rest, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (m *modelLane) Close(context.Context) error { return nil }
