package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
)

// tally is a Handler that looks at everything and keeps nothing.
type tally struct {
	rows, commits, tables, messages, idles, begins, refused int

	bytes int
	bad   string // what was wrong with a row
}

func (c *tally) Begin(*envelope.Transaction) error                  { c.begins++; return nil }
func (c *tally) Table(*envelope.Layout) error                       { c.tables++; return nil }
func (c *tally) Commit(offsets.Durable) error                       { c.commits++; return nil }
func (c *tally) Flush() error                                       { return nil }
func (c *tally) Refuse(*envelope.Layout, envelope.Row, error) error { c.refused++; return nil }
func (c *tally) Idle(offsets.Position) error                        { c.idles++; return nil }
func (c *tally) Message(m *envelope.Message) error {
	c.messages++
	c.bytes += len(m.Prefix) + len(m.Content)
	return nil
}

func (c *tally) Row(e *envelope.Event) error {
	c.rows++
	c.look(e, e.Before)
	c.look(e, e.After)
	return nil
}

// look reads every byte and checks what is promised of a row.
func (c *tally) look(e *envelope.Event, row envelope.Row) {
	if row != nil && len(row) != len(e.Layout.Table.Columns) {
		c.bad = "a row has not the layout's columns"
	}
	for _, v := range row {
		switch {
		case cap(v.Wire) != len(v.Wire):
			c.bad = "a value's capacity reaches into its neighbour"
		case v.State != envelope.Present && v.Wire != nil:
			c.bad = "a value that is not present has bytes"
		}
		for _, b := range v.Wire {
			c.bytes += int(b)
		}
	}
}

// plainLayout is a layout without encoders: the identity's columns are the key.
func plainLayout(_ context.Context, r *relation) (*envelope.Layout, error) {
	table := &schema.Table{Schema: r.Schema, Name: r.Name, OID: uint64(r.OID)}
	for i, c := range r.Columns {
		table.Columns = append(table.Columns, schema.Column{Name: c.Name})
		if c.Key && r.Identity != 'f' {
			table.Key = append(table.Key, i)
		}
	}
	return &envelope.Layout{Table: table}, nil
}

func plainDecoder(h envelope.Handler) *decoder {
	d := newDecoder(context.Background(), h, 0, newProgress())
	d.slot, d.layout = "s", plainLayout
	d.captured = func(string, string) bool { return true }
	return d
}

// decodePayload hands one CopyData over.
func decodePayload(d *decoder, payload []byte) error {
	return d.change(binary.BigEndian.Uint64(payload[1:]), payload[xlogHeaderBytes:])
}

func TestDecodingAllocatesNothing(t *testing.T) {
	log := loadCaptured(t)
	c := &tally{}
	d := plainDecoder(c)
	for _, payload := range log { // relations come first, once a session and a change of their table
		if err := decodePayload(d, payload); err != nil {
			t.Fatal(err)
		}
	}
	var wire []byte
	for _, payload := range log {
		switch payload[xlogHeaderBytes] {
		case msgRelation, msgType:
			continue
		case msgInsert, msgUpdate, msgDelete:
			if !d.widthFits(payload) { // of a relation as it was before its change
				continue
			}
		}
		wire = append(wire, backendMessage(backendCopyData, payload)...)
	}
	keepalive := append([]byte{copyKeepalive}, make([]byte, 17)...)
	wire = append(wire, backendMessage(backendCopyData, keepalive)...)

	s := newStreamer(&Config{}, d.wire)
	alive := newKeepalive(nil, d.wire, nil, 0, 0, nil)
	f := newFramer(&endless{wire: wire}, 64<<10, 1<<20)
	rows := c.rows
	allocs := testing.AllocsPerRun(20*len(log), func() {
		typ, payload, err := f.next()
		if err == nil && typ != backendCopyData {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = s.copyData(payload, d, alive)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a message", allocs)
	}
	if c.rows-rows < 20 || c.bad != "" {
		t.Errorf("%d rows were decoded; %s", c.rows-rows, c.bad)
	}
}

// widthFits says whether a row's tuple is as wide as its relation is now.
func (d *decoder) widthFits(payload []byte) bool {
	b := payload[xlogHeaderBytes+1:]
	s := d.relations.find(binary.BigEndian.Uint32(b))
	return int(binary.BigEndian.Uint16(b[5:])) == len(s.relation.Columns)
}

// endless repeats a stream for ever.
type endless struct {
	wire []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.wire[e.at:])
	e.at = (e.at + n) % len(e.wire)
	return n, nil
}

// messages for streams that no server sends.
func begin(final uint64) []byte {
	b := append([]byte{msgBegin}, make([]byte, 20)...)
	binary.BigEndian.PutUint64(b[1:], final)
	return b
}

func commit(lsn, end uint64) []byte {
	b := append([]byte{msgCommit}, make([]byte, 25)...)
	binary.BigEndian.PutUint64(b[2:], lsn)
	binary.BigEndian.PutUint64(b[10:], end)
	return b
}

var (
	relationT = slices.Concat([]byte{msgRelation, 0, 0, 0, 9}, []byte("s\x00t\x00d"), []byte{0, 1, 1}, []byte("id\x00"), []byte{0, 0, 0, 23, 255, 255, 255, 255})
	insertT   = []byte{msgInsert, 0, 0, 0, 9, tupleNew, 0, 1, columnText, 0, 0, 0, 1, '5'}
)

func TestAStreamThatMakesNoSenseStopsForGoodWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		log  [][]byte
		want error
	}{
		"an empty message":                      {[][]byte{{}}, errTruncated},
		"an unknown message":                    {[][]byte{{'?'}}, errUnknown},
		"a streamed transaction":                {[][]byte{{'S', 0, 0, 0, 1, 1}}, errUnknown},
		"a prepared transaction":                {[][]byte{{'P', 0}}, errUnknown},
		"a transaction inside another":          {[][]byte{begin(5), begin(6)}, errNested},
		"a commit without a begin":              {[][]byte{commit(5, 6)}, errOutside},
		"a commit of another transaction":       {[][]byte{begin(5), commit(6, 7)}, errOtherCommit},
		"a commit that ends before it begins":   {[][]byte{begin(5), commit(5, 4)}, errOtherCommit},
		"a row outside a transaction":           {[][]byte{relationT, insertT}, errOutside},
		"a row of a relation nobody described":  {[][]byte{begin(5), insertT}, errNoRelation},
		"a row with too many columns":           {[][]byte{begin(5), relationT, {msgInsert, 0, 0, 0, 9, tupleNew, 0, 2, 'n', 'n'}}, errColumnCount},
		"a row with too few columns":            {[][]byte{begin(5), relationT, {msgInsert, 0, 0, 0, 9, tupleNew, 0, 0}}, errColumnCount},
		"a value longer than its message":       {[][]byte{begin(5), relationT, {msgInsert, 0, 0, 0, 9, tupleNew, 0, 1, 't', 255, 255, 255, 255, 'x'}}, errTruncated},
		"bytes behind a row":                    {[][]byte{begin(5), relationT, append(slices.Clone(insertT), 0)}, errTrailing},
		"a binary column":                       {[][]byte{begin(5), relationT, {msgInsert, 0, 0, 0, 9, tupleNew, 0, 1, 'b', 0, 0, 0, 0}}, errBinary},
		"an insert with an old row":             {[][]byte{begin(5), relationT, {msgInsert, 0, 0, 0, 9, tupleOld, 0, 1, 'n'}}, errOldKind},
		"a delete without an old row":           {[][]byte{begin(5), relationT, {msgDelete, 0, 0, 0, 9, tupleNew, 0, 1, 'n'}}, errOldKind},
		"an update without a new row":           {[][]byte{begin(5), relationT, {msgUpdate, 0, 0, 0, 9, tupleOld, 0, 1, 'n'}}, errTruncated},
		"an origin in the middle":               {[][]byte{begin(5), relationT, insertT, append([]byte{msgOrigin, 0, 0, 0, 0, 0, 0, 0, 1}, "o\x00"...)}, errOutside},
		"a relation with more columns than fit": {[][]byte{slices.Concat([]byte{msgRelation, 0, 0, 0, 9}, []byte("s\x00t\x00d"), []byte{255, 255})}, errTruncated},
		"a truncate with a lie about its count": {[][]byte{begin(5), {msgTruncate, 255, 255, 255, 255, 0, 0, 0, 0, 9}}, errTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			d := plainDecoder(&tally{})
			var err error
			for _, m := range c.log {
				if err != nil {
					t.Fatalf("refused too early: %v", err)
				}
				err = d.change(0xAB_0000_0001, m)
			}
			if !errors.Is(err, c.want) || !fault.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "AB/1") {
				t.Errorf("got %v, want %v for good and the place", err, c.want)
			}
		})
	}
}

// P3: servers of today log the old key where a key column is TOASTed, so that only a stream made up shows what
// becomes of a key that is not there.
func TestAKeyThatTheLogDoesNotCarryIsNeverGuessed(t *testing.T) {
	for words, change := range map[string][]byte{
		"TOASTed":          {msgUpdate, 0, 0, 0, 9, tupleNew, 0, 1, columnAbsent},
		"replica identity": {msgDelete, 0, 0, 0, 9, tupleKey, 0, 1, columnNull},
	} {
		h := &recorder{}
		d := plainDecoder(h)
		err := errors.Join(d.change(1, begin(5)), d.change(2, relationT))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.change(3, change), d.change(5, commit(5, 6))); err != nil {
			t.Fatal(err) // the other tables go on
		}
		if got, want := strings.Join(h.all(), " "), "begin table s.t(id) refuse s.t commit"; got != want {
			t.Errorf("%s: got %s, want %s", words, got, want)
		}
		expectFault(t, h.refused[0], fault.Runtime, true, "s.t", `"id"`, words, "ALTER TABLE")
	}
}

func TestAStrayStreamAbortIsIgnored(t *testing.T) { // P36
	h := &recorder{}
	d := plainDecoder(h)
	abort := []byte{msgStreamAbort, 0, 0, 0, 1, 0, 0, 0, 2}
	for _, m := range [][]byte{abort, begin(5), relationT, abort, insertT, abort, commit(5, 6), abort} {
		if err := d.change(1, m); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(h.all(), " "), "begin table s.t(id) c s.t after(5) commit"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatEndsAtOrBelowTheStartIsNotDeliveredAgain(t *testing.T) { // P42
	h := &recorder{}
	d := newDecoder(context.Background(), h, 100, newProgress())
	d.layout, d.captured = plainLayout, func(string, string) bool { return true }
	for _, m := range [][]byte{
		begin(90), relationT, insertT, commit(90, 100), // ends at the start
		begin(100), insertT, commit(100, 110), // has its commit record there
	} {
		if err := d.change(101, m); err != nil { // the rows' places say nothing
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(h.all(), " "), "begin table s.t(id) c s.t after(5) commit"; got != want || h.commits[0] != 110 {
		t.Errorf("got  %s at %d\nwant %s", got, h.commits, want)
	}
}

func TestAKeepaliveIsAPlaceOnlyOutsideATransaction(t *testing.T) { // P43, P44
	h := &recorder{}
	d := plainDecoder(h)
	idle := func(end uint64) {
		t.Helper()
		if err := d.keepalive(end); err != nil {
			t.Fatal(err)
		}
	}
	idle(40)
	idle(40) // nothing new
	for _, m := range [][]byte{begin(50), relationT, insertT} {
		if err := d.change(45, m); err != nil {
			t.Fatal(err)
		}
		idle(60) // sent while the transaction is on its way
	}
	if err := d.change(50, commit(50, 70)); err != nil {
		t.Fatal(err)
	}
	idle(60) // behind the commit already
	idle(80)
	if !slices.Equal(h.idles, []uint64{40, 80}) {
		t.Errorf("idle at %d", h.idles)
	}
}
